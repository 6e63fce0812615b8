package io.tierflow.bench;

import java.nio.charset.StandardCharsets;

/** What a customer's postings come to, and how it is written to the output topic. */
public final class Standing {
    private Standing() {}

    /** How many thresholds the sum has reached. */
    public static int tier(long sumMinor, long[] thresholds) {
        int tier = 0;
        while (tier < thresholds.length && sumMinor >= thresholds[tier]) {
            tier++;
        }
        return tier;
    }

    /** The record's value as JSON; a customer id needs no escapes by its schema. */
    public static byte[] json(String customer, long sumMinor, long count, int tier) {
        return ("{\"customer_id\":\"" + customer + "\",\"sum_minor\":" + sumMinor + ",\"count\":" + count
                        + ",\"tier\":" + tier + "}")
                .getBytes(StandardCharsets.UTF_8);
    }
}
