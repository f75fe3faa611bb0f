/** The small services of the host: time, metrics, commands, a plugin's own store. */
import type { Clock, Command, Commands, Metrics, Store, Timer } from '../contract/host.ts';
import type { Storage } from '../storage.ts';

/** Real time. A timer does not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(milliseconds, run): Timer {
    const timer = setTimeout(run, milliseconds);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
  every(milliseconds, run): Timer {
    const timer = setInterval(run, milliseconds);
    timer.unref();
    return { cancel: () => clearInterval(timer) };
  },
};

export class CommandTable implements Commands {
  readonly #commands = new Map<string, Command>();

  offer(command: Command): void {
    if (this.#commands.has(command.name)) throw new Error(`a command "${command.name}" is offered already`);
    this.#commands.set(command.name, command);
  }
  remove(command: Command): void {
    if (this.#commands.get(command.name) === command) this.#commands.delete(command.name);
  }
  all(): Iterable<Command> {
    return this.#commands.values();
  }
  async run(name: string, context: Parameters<Command['run']>[0]): Promise<string | undefined> {
    return this.#commands.get(name.toLowerCase())?.run(context);
  }
}

type Labels = Readonly<Record<string, string>>;

interface Series {
  readonly kind: 'counter' | 'gauge';
  readonly help: string;
  readonly values: Map<string, () => number>;
}

function written(labels: Labels): string {
  const text = Object.entries(labels)
    .map(([key, value]) => `${key}="${value.replace(/[\\"\n]/g, (one) => (one === '\n' ? '\\n' : `\\${one}`))}"`)
    .join(',');
  return text === '' ? '' : `{${text}}`;
}

/** Counters and gauges in the Prometheus text format (version 0.0.4). */
export class MetricTable implements Metrics {
  readonly #series = new Map<string, Series>();
  readonly #families = new Map<
    string,
    { readonly kind: Series['kind']; readonly help: string; readonly read: () => Iterable<readonly [Labels, number]> }
  >();

  counter(name: string, help: string, labels: Labels = {}): { add(count?: number): void } {
    let value = 0;
    this.#add(name, 'counter', help, labels, () => value);
    return {
      add: (count = 1) => {
        value += count;
      },
    };
  }

  gauge(name: string, help: string, read: () => number, labels: Labels = {}): void {
    this.#add(name, 'gauge', help, labels, read);
  }

  #add(name: string, kind: Series['kind'], help: string, labels: Labels, read: () => number): void {
    const series = this.#series.get(name) ?? { kind, help, values: new Map<string, () => number>() };
    this.#series.set(name, series);
    series.values.set(written(labels), read);
  }

  /** A family whose series come and go, read anew each time. */
  family(name: string, kind: Series['kind'], help: string, read: () => Iterable<readonly [labels: Labels, value: number]>): void {
    this.#families.set(name, { kind, help, read });
  }

  text(): string {
    let text = '';
    for (const [name, { kind, help, read }] of this.#families) {
      text += `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n`;
      for (const [labels, value] of read()) text += `${name}${written(labels)} ${value}\n`;
    }
    for (const [name, { kind, help, values }] of this.#series) {
      text += `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n`;
      for (const [labels, read] of values) text += `${name}${labels} ${read()}\n`;
    }
    return text;
  }
}

/** A plugin's own keyspace. */
export function pluginStore(storage: Storage, plugin: string): Store {
  const space = `plugin/${plugin}`;
  return {
    get: (key) => storage.get(space, key),
    set: (key, value) => storage.set(space, key, value),
    delete: (key) => storage.delete(space, key),
    entries: (prefix) => storage.entries(space, prefix),
  };
}
