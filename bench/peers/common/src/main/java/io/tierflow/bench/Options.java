package io.tierflow.bench;

import java.io.Serializable;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** What the harness tells an engine, as {@code --name value} pairs. */
public final class Options implements Serializable {
    private static final long serialVersionUID = 1L;
    private final HashMap<String, String> values = new HashMap<>();

    public Options(String[] arguments) {
        for (int i = 0; i < arguments.length; i += 2) {
            if (!arguments[i].startsWith("--") || i + 1 == arguments.length) {
                throw new IllegalArgumentException("expected --name value, got " + Arrays.toString(arguments));
            }
            values.put(arguments[i].substring(2), arguments[i + 1]);
        }
    }

    public String get(String name) {
        String value = values.get(name);
        if (value == null) {
            throw new IllegalArgumentException("--" + name + " is missing");
        }
        return value;
    }

    public Map<String, String> all() {
        return Map.copyOf(values);
    }

    /** The sums, in minor units, from which each tier above 0 begins; ascending. */
    public long[] thresholds() {
        return Arrays.stream(get("thresholds").split(",")).mapToLong(Long::parseLong).toArray();
    }
}
