/** For tests: reads the text format of Prometheus. */

type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

export interface Samples {
  /** Of all series with these labels; 0 if there are none. */
  sum(name: string, labels?: Labels): number;
  /** All labels that a metric has, those of its buckets included. */
  labelsOf(metric: string): ReadonlySet<string>;
  readonly samples: readonly Sample[];
}

/** @throws {Error} if a line has another form */
export function parseMetrics(text: string): Samples {
  const samples = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? fail(line);
      return { name, labels: parseLabels(labels), value: Number(value) };
    });
  return {
    sum: (name, labels = {}) =>
      samples
        .filter((sample) => sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
        .reduce((total, { value }) => total + value, 0),
    labelsOf: (metric) =>
      new Set(
        samples
          .filter(({ name }) => name === metric || [`${metric}_bucket`, `${metric}_sum`, `${metric}_count`].includes(name))
          .flatMap(({ labels }) => Object.keys(labels)),
      ),
    samples,
  };
}

function fail(line: string): never {
  throw new Error(`no sample of Prometheus: ${line}`);
}

/** Quotes, backslashes and line feeds within a value are escaped. */
const parseLabels = (text: string): Labels =>
  Object.fromEntries([...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name, value]));
