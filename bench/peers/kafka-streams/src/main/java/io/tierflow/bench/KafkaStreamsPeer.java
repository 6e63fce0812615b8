package io.tierflow.bench;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/** The keyed sum on Kafka Streams: exactly_once_v2, one thread, RocksDB with changelog and without a record cache. */
public final class KafkaStreamsPeer {
    private static final String STORE = "sums";

    private KafkaStreamsPeer() {}

    public static void main(String[] arguments) {
        Options options = new Options(arguments);
        KafkaStreams streams = new KafkaStreams(topology(options), settings(options));
        streams.setUncaughtExceptionHandler(failure -> {
            failure.printStackTrace();
            Runtime.getRuntime().halt(1);
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        Progress.start();
        streams.start();
    }

    private static Topology topology(Options options) {
        long[] thresholds = options.thresholds();
        Topology topology = new Topology();
        topology.addSource("postings", Serdes.String().deserializer(), Serdes.ByteArray().deserializer(), options.get("input"));
        topology.addProcessor("sum", () -> new Sum(thresholds), "postings");
        topology.addStateStore(
                Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(STORE), Serdes.String(), Serdes.ByteArray())
                        .withCachingDisabled(),
                "sum");
        topology.addSink("standings", options.get("output"), Serdes.String().serializer(), Serdes.ByteArray().serializer(), "sum");
        return topology;
    }

    private static Properties settings(Options options) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, options.get("group"));
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, options.get("bootstrap"));
        settings.put(StreamsConfig.STATE_DIR_CONFIG, options.get("state"));
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0L);
        settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        return settings;
    }

    private static final class Sum implements Processor<String, byte[], String, byte[]> {
        private final long[] thresholds;
        private ProcessorContext<String, byte[]> context;
        private KeyValueStore<String, byte[]> sums;

        Sum(long[] thresholds) {
            this.thresholds = thresholds;
        }

        @Override
        public void init(ProcessorContext<String, byte[]> context) {
            this.context = context;
            this.sums = context.getStateStore(STORE);
        }

        @Override
        public void process(Record<String, byte[]> record) {
            Header type = record.headers().lastHeader("ce_type");
            if (type == null || !Posting.TYPE.equals(new String(type.value(), StandardCharsets.UTF_8))) {
                throw new IllegalStateException("not a " + Posting.TYPE);
            }
            Posting posting;
            try {
                posting = Posting.parse(record.value());
            } catch (java.io.IOException bad) {
                throw new java.io.UncheckedIOException(bad);
            }
            byte[] known = sums.get(posting.customer());
            long sum = posting.signedMinor();
            long count = 1;
            if (known != null) {
                ByteBuffer before = ByteBuffer.wrap(known);
                sum += before.getLong();
                count += before.getLong();
            }
            sums.put(posting.customer(), ByteBuffer.allocate(16).putLong(sum).putLong(count).array());
            byte[] standing = Standing.json(posting.customer(), sum, count, Standing.tier(sum, thresholds));
            context.forward(new Record<>(posting.customer(), standing, record.timestamp()));
            Progress.took();
        }
    }
}
