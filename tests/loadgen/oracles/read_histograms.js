// Reads a log of histograms with npm's hdr-histogram-js, says what is in it, and writes it again.
//
// Usage: node read_histograms.js LOG FOLDER     There: intervals.ndjson, totals.ndjson, as write_histograms makes them, and
// seconds.hlog, the same log as this library writes it.
"use strict";

const fs = require("fs");
const path = require("path");
const hdr = require("hdr-histogram-js");

const PERCENTS = [1, 50, 90, 99, 99.9, 99.99, 100];
const [log, folder] = process.argv.slice(2);

function facts(tag, histogram) {
  const counts = [];
  for (let index = 0; index < histogram.countsArrayLength; ++index) {
    const count = histogram.getCountAtIndex(index);
    if (count !== 0) counts.push([histogram.valueFromIndex(index), count]);
  }
  return {
    tag,
    total: histogram.totalCount,
    max: histogram.maxValue,
    percentiles: PERCENTS.map((percent) => histogram.getValueAtPercentile(percent)),
    counts,
  };
}

const lines = (objects) => objects.map((each) => JSON.stringify(each) + "\n").join("");
const reader = new hdr.HistogramLogReader(fs.readFileSync(log, "utf8"), 64);
const intervals = [];
const totals = new Map();
let again = "";
const writer = new hdr.HistogramLogWriter((text) => (again += text));
writer.outputLogFormatVersion();
for (let histogram; (histogram = reader.nextIntervalHistogram()) !== null; ) {
  const base = reader.startTimeSec * 1000;
  if (intervals.length === 0) {
    writer.outputStartTime(base);
    writer.baseTime = base;
    writer.outputLegend();
  }
  const { tag } = histogram;
  intervals.push({ ...facts(tag, histogram), begin_s: (histogram.startTimeStampMsec - base) / 1000 });
  if (!totals.has(tag)) {
    totals.set(tag, hdr.build({ lowestDiscernibleValue: 1, highestTrackableValue: 3.6e12, numberOfSignificantValueDigits: 3, bitBucketSize: 64 }));
  }
  totals.get(tag).add(histogram);
  writer.outputIntervalHistogram(histogram, undefined, undefined, 1e6);
}
fs.writeFileSync(path.join(folder, "intervals.ndjson"), lines(intervals));
fs.writeFileSync(path.join(folder, "totals.ndjson"), lines([...totals].sort().map(([tag, total]) => facts(tag, total))));
fs.writeFileSync(path.join(folder, "seconds.hlog"), again);
