/**
 * A set that mostly has one element or none: a person's rooms, a person's sessions. A `Set` takes 170 bytes while it is empty, which
 * for many thousands of idle people is a good part of the server's memory; this takes 40 until a second element comes.
 */
export class SmallSet<T extends object> implements ReadonlySet<T> {
  #only: T | undefined;
  #many: Set<T> | undefined;

  get size(): number {
    return this.#many?.size ?? (this.#only === undefined ? 0 : 1);
  }

  /** Its element while it has one only: to be had without an iterator. */
  get only(): T | undefined {
    return this.#only;
  }

  has(element: T): boolean {
    return this.#many?.has(element) ?? this.#only === element;
  }

  add(element: T): void {
    if (this.#many !== undefined) this.#many.add(element);
    else if (this.#only === undefined) this.#only = element;
    else if (this.#only !== element) {
      this.#many = new Set([this.#only, element]);
      this.#only = undefined;
    }
  }

  /** False when it was no element. */
  delete(element: T): boolean {
    if (this.#many === undefined) {
      if (this.#only !== element) return false;
      this.#only = undefined;
      return true;
    }
    const had = this.#many.delete(element);
    if (this.#many.size === 0) this.#many = undefined;
    return had;
  }

  clear(): void {
    this.#only = undefined;
    this.#many = undefined;
  }

  /** In the order in which they came. */
  values(): SetIterator<T> {
    return this.#many?.values() ?? (this.#only === undefined ? [] : [this.#only]).values();
  }

  keys(): SetIterator<T> {
    return this.values();
  }

  entries(): SetIterator<[T, T]> {
    return [...this.values()].map((element): [T, T] => [element, element]).values();
  }

  [Symbol.iterator](): SetIterator<T> {
    return this.values();
  }

  forEach(run: (value: T, key: T, set: ReadonlySet<T>) => void): void {
    for (const element of this.values()) run(element, element, this);
  }
}
