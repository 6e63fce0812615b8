package io.tierflow.bench;

import java.util.concurrent.atomic.LongAdder;

/** Says on standard output how many events this process has taken, ten times a second while that grows. */
public final class Progress {
    private static final long PERIOD_MS = 100;
    private static final LongAdder TAKEN = new LongAdder();

    private Progress() {}

    public static void took() {
        TAKEN.increment();
    }

    public static void start() {
        Thread reporter = new Thread(Progress::report, "progress");
        reporter.setDaemon(true);
        reporter.start();
    }

    private static void report() {
        long said = -1;
        try {
            while (true) {
                long taken = TAKEN.sum();
                if (taken != said) {
                    System.out.println("{\"taken\":" + taken + "}");
                    System.out.flush();
                    said = taken;
                }
                Thread.sleep(PERIOD_MS);
            }
        } catch (InterruptedException end) {
            Thread.currentThread().interrupt();
        }
    }
}
