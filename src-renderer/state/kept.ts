/** Values by key, those used last; more than a number of them are forgotten. */
export class Kept<T> {
  readonly #atMost: number;
  readonly #values = new Map<string, T>();

  constructor(atMost: number) {
    this.#atMost = atMost;
  }

  get(key: string, make: () => T): T {
    const value = this.#values.get(key) ?? make();
    this.#values.delete(key);
    this.#values.set(key, value);
    for (const oldest of [...this.#values.keys()].slice(0, -this.#atMost)) this.#values.delete(oldest);
    return value;
  }

  forget(key: string): void {
    this.#values.delete(key);
  }

  clear(): void {
    this.#values.clear();
  }
}
