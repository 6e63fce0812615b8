package io.tierflow.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.api.java.tuple.Tuple4;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;

/** The keyed sum on Flink in one JVM: exactly-once checkpoints, transactional sink, RocksDB or heap state. */
public final class FlinkPeer {
    private FlinkPeer() {}

    public static void main(String[] arguments) throws Exception {
        Options options = new Options(arguments);
        int parallelism = Integer.parseInt(options.get("parallelism"));
        StreamExecutionEnvironment flink =
                StreamExecutionEnvironment.createLocalEnvironment(parallelism, settings(options));
        KafkaSource<Tuple2<String, Long>> source = KafkaSource.<Tuple2<String, Long>>builder()
                .setBootstrapServers(options.get("bootstrap"))
                .setTopics(options.get("input"))
                .setGroupId(options.get("group"))
                .setStartingOffsets(OffsetsInitializer.earliest())
                .setDeserializer(new Reading())
                .build();
        KafkaSink<Tuple4<String, Long, Long, Integer>> sink = KafkaSink.<Tuple4<String, Long, Long, Integer>>builder()
                .setBootstrapServers(options.get("bootstrap"))
                .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
                .setTransactionalIdPrefix(options.get("group"))
                // The connector's own hour is more than a broker allows.
                .setProperty("transaction.timeout.ms", "600000")
                .setRecordSerializer(new Writing(options.get("output")))
                .build();
        flink.fromSource(source, WatermarkStrategy.noWatermarks(), "postings")
                .keyBy(posting -> posting.f0, Types.STRING)
                .process(new Sum(options.thresholds()))
                .sinkTo(sink);
        Progress.start();
        flink.execute("keyed sum");
    }

    private static Configuration settings(Options options) {
        Configuration settings = new Configuration();
        settings.set(StateBackendOptions.STATE_BACKEND, options.get("backend"));
        settings.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofSeconds(1));
        settings.set(CheckpointingOptions.CHECKPOINTING_CONSISTENCY_MODE, CheckpointingMode.EXACTLY_ONCE);
        settings.set(CheckpointingOptions.CHECKPOINT_STORAGE, "filesystem");
        settings.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, "file://" + options.get("state"));
        settings.set(CheckpointingOptions.INCREMENTAL_CHECKPOINTS, true);
        settings.set(PipelineOptions.OBJECT_REUSE, true);
        settings.set(RestartStrategyOptions.RESTART_STRATEGY, "none");
        settings.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(256));
        return settings;
    }

    private static final class Reading implements KafkaRecordDeserializationSchema<Tuple2<String, Long>> {
        private static final long serialVersionUID = 1L;

        @Override
        public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<Tuple2<String, Long>> out)
                throws IOException {
            Header type = record.headers().lastHeader("ce_type");
            if (type == null || !Posting.TYPE.equals(new String(type.value(), StandardCharsets.UTF_8))) {
                throw new IOException("not a " + Posting.TYPE);
            }
            Posting posting = Posting.parse(record.value());
            out.collect(Tuple2.of(posting.customer(), posting.signedMinor()));
        }

        @Override
        public TypeInformation<Tuple2<String, Long>> getProducedType() {
            return Types.TUPLE(Types.STRING, Types.LONG);
        }
    }

    private static final class Sum
            extends KeyedProcessFunction<String, Tuple2<String, Long>, Tuple4<String, Long, Long, Integer>> {
        private static final long serialVersionUID = 1L;
        private final long[] thresholds;
        private transient ValueState<Tuple2<Long, Long>> sums;

        Sum(long[] thresholds) {
            this.thresholds = thresholds;
        }

        @Override
        public void open(OpenContext context) {
            sums = getRuntimeContext()
                    .getState(new ValueStateDescriptor<>("sums", Types.<Tuple2<Long, Long>>TUPLE(Types.LONG, Types.LONG)));
        }

        @Override
        public void processElement(
                Tuple2<String, Long> posting, Context context, Collector<Tuple4<String, Long, Long, Integer>> out)
                throws IOException {
            Tuple2<Long, Long> known = sums.value();
            long sum = posting.f1 + (known == null ? 0 : known.f0);
            long count = 1 + (known == null ? 0 : known.f1);
            sums.update(Tuple2.of(sum, count));
            out.collect(Tuple4.of(posting.f0, sum, count, Standing.tier(sum, thresholds)));
            Progress.took();
        }
    }

    private static final class Writing implements KafkaRecordSerializationSchema<Tuple4<String, Long, Long, Integer>> {
        private static final long serialVersionUID = 1L;
        private final String topic;

        Writing(String topic) {
            this.topic = topic;
        }

        @Override
        public ProducerRecord<byte[], byte[]> serialize(
                Tuple4<String, Long, Long, Integer> standing, KafkaSinkContext context, Long timestamp) {
            byte[] key = standing.f0.getBytes(StandardCharsets.UTF_8);
            return new ProducerRecord<>(topic, key, Standing.json(standing.f0, standing.f1, standing.f2, standing.f3));
        }
    }
}
