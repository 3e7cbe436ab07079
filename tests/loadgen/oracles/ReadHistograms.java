// Reads a log of histograms with HdrHistogram's Java library, says what is in it, and writes it again.
//
// Usage: java ReadHistograms.java LOG FOLDER     There: intervals.ndjson, totals.ndjson and TAG.hgrm, as write_histograms
// makes them, and seconds.hlog, the same log as this library writes it.
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramIterationValue;
import org.HdrHistogram.HistogramLogReader;
import org.HdrHistogram.HistogramLogWriter;

class ReadHistograms {
  static final double[] PERCENTS = {1, 50, 90, 99, 99.9, 99.99, 100};

  static String facts(String tag, Histogram histogram) {
    List<String> percentiles = new ArrayList<>();
    for (double percent : PERCENTS) percentiles.add(Long.toString(histogram.getValueAtPercentile(percent)));
    List<String> counts = new ArrayList<>();
    for (HistogramIterationValue value : histogram.recordedValues()) {
      counts.add("[" + histogram.lowestEquivalentValue(value.getValueIteratedTo()) + ","
          + value.getCountAtValueIteratedTo() + "]");
    }
    return "{\"tag\":\"" + tag + "\",\"total\":" + histogram.getTotalCount() + ",\"max\":" + histogram.getMaxValue()
        + ",\"percentiles\":" + percentiles + ",\"counts\":" + counts;
  }

  public static void main(String[] arguments) throws Exception {
    Path folder = Path.of(arguments[1]);
    HistogramLogReader reader = new HistogramLogReader(arguments[0]);
    Map<String, Histogram> totals = new TreeMap<>();
    try (PrintStream intervals = new PrintStream(folder.resolve("intervals.ndjson").toFile());
        PrintStream log = new PrintStream(folder.resolve("seconds.hlog").toFile())) {
      HistogramLogWriter writer = new HistogramLogWriter(log);
      while (reader.hasNext()) {
        Histogram histogram = (Histogram) reader.nextIntervalHistogram();
        long base = (long) (reader.getStartTimeSec() * 1000);
        if (totals.isEmpty()) {
          writer.outputLogFormatVersion();
          writer.outputStartTime(base);
          writer.outputBaseTime(base);
          writer.setBaseTime(base);
          writer.outputLegend();
        }
        writer.outputIntervalHistogram(histogram);
        String tag = histogram.getTag();
        intervals.println(facts(tag, histogram) + ",\"begin_s\":" + (histogram.getStartTimeStamp() - base) / 1000 + "}");
        totals.computeIfAbsent(tag, any -> new Histogram(1, 3_600_000_000_000L, 3)).add(histogram);
      }
    }
    try (PrintStream lines = new PrintStream(folder.resolve("totals.ndjson").toFile())) {
      for (Map.Entry<String, Histogram> total : totals.entrySet()) {
        lines.println(facts(total.getKey(), total.getValue()) + "}");
        try (PrintStream distribution = new PrintStream(folder.resolve(total.getKey() + ".hgrm").toFile())) {
          total.getValue().outputPercentileDistribution(distribution, 1e6);
        }
      }
    }
  }
}
