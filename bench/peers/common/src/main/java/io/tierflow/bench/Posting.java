package io.tierflow.bench;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;

/** One booking: whose it is, and by how many minor units the sum changes. */
public record Posting(String customer, long signedMinor) {
    /** The event type of the job; anything else on the topic is an error. */
    public static final String TYPE = "bank.transaction.posted.v1";

    private static final JsonFactory JSON = new JsonFactory();

    /** Reads the data of a {@code bank.transaction.posted.v1}. Throws on anything that is not one. */
    public static Posting parse(byte[] data) throws IOException {
        String customer = null;
        String direction = null;
        long minor = -1;
        try (JsonParser json = JSON.createParser(data)) {
            expect(json.nextToken() == JsonToken.START_OBJECT, "an object");
            for (String field = json.nextFieldName(); field != null; field = json.nextFieldName()) {
                switch (field) {
                    case "customer_id" -> customer = json.nextTextValue();
                    case "direction" -> direction = json.nextTextValue();
                    case "amount" -> minor = amount(json);
                    default -> {
                        json.nextToken();
                        json.skipChildren();
                    }
                }
            }
        }
        expect(customer != null && direction != null && minor >= 0, "customer_id, direction and amount");
        return new Posting(customer, direction.equals("credit") ? minor : -minor);
    }

    private static long amount(JsonParser json) throws IOException {
        expect(json.nextToken() == JsonToken.START_OBJECT, "an amount");
        long minor = -1;
        for (String field = json.nextFieldName(); field != null; field = json.nextFieldName()) {
            String text = json.nextTextValue();
            if (field.equals("value")) {
                minor = minor(text);
            }
        }
        return minor;
    }

    /** Exact decimal text with at most two places as minor units. */
    static long minor(String text) throws IOException {
        long value = 0;
        int places = -1;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '.' && places < 0) {
                places = 0;
                continue;
            }
            expect(c >= '0' && c <= '9', "decimal text");
            value = value * 10 + (c - '0');
            places += places < 0 ? 0 : 1;
        }
        expect(places <= 2, "at most two places");
        return places < 1 ? value * 100 : places == 1 ? value * 10 : value;
    }

    private static void expect(boolean holds, String what) throws IOException {
        if (!holds) {
            throw new IOException("expected " + what);
        }
    }
}
