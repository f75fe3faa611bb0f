/** A node that lies: what it sends is altered, repeated, held back or replayed at random. Shapes stay right: those are the codec's to check. */
import type { TreeMessage } from '../../server/tree/message.ts';
import type { Random } from '../support/random.ts';

type Value = string | number | boolean | null | Value[] | { [key: string]: Value };

export class Liar {
  readonly #random: Random;
  readonly #said: TreeMessage[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** What it sends instead. */
  instead(message: TreeMessage): readonly TreeMessage[] {
    const random = this.#random;
    this.#said.push(message);
    if (this.#said.length > 200) this.#said.shift();
    switch (random.integer(0, 24)) {
      case 0:
        return [];
      case 1:
        return [message, message];
      case 2:
        return [message, random.pick(this.#said)];
      case 3:
      case 4:
        return [this.#altered(message)];
      default:
        return [message];
    }
  }

  #altered(message: TreeMessage): TreeMessage {
    const copy = JSON.parse(JSON.stringify(message)) as { [key: string]: Value };
    const places: { readonly of: Value[] | { [key: string]: Value }; readonly key: string }[] = [];
    const collect = (of: Value[] | { [key: string]: Value }): void => {
      for (const [key, value] of Object.entries(of)) {
        if (of === copy && key === 'kind') continue;
        places.push({ of, key });
        if (typeof value === 'object' && value !== null) collect(value);
      }
    };
    collect(copy);
    const { of, key } = this.#random.pick(places);
    const fields = of as { [key: string]: Value };
    fields[key] = this.#other(fields[key]!, key);
    return copy as unknown as TreeMessage;
  }

  #other(value: Value, key: string): Value {
    const random = this.#random;
    if (typeof value === 'number') return random.pick([0, -1, value + 1, value - 1, 2 ** 40]);
    if (Array.isArray(value)) return value.length === 0 ? value : random.pick([value.slice(1), value.slice(0, -1), [...value, value[0]!]]);
    // Kinds and addresses are shapes; of the rest a character changes.
    if (typeof value !== 'string' || value.length === 0 || key === 'kind' || value.includes('://')) return value;
    const at = random.integer(0, value.length - 1);
    return value.slice(0, at) + (value[at] === 'x' ? 'y' : 'x') + value.slice(at + 1);
  }
}
