/** What is asked for anew before it was answered: only the answer to the latest question counts, whichever comes last. */
export class LatestAnswer {
  #questions = 0;

  /**
   * Calls one of the two, or neither where another question was asked meanwhile. Without `fail`, rejects with the reason of
   * the latest question.
   */
  async to<T>(question: Promise<T>, take: (answer: T) => void, fail?: (error: unknown) => void): Promise<void> {
    const number = ++this.#questions;
    const isLatest = (): boolean => number === this.#questions;
    try {
      const answer = await question;
      if (isLatest()) take(answer);
    } catch (error) {
      if (!isLatest()) return;
      if (fail === undefined) throw error;
      fail(error);
    }
  }

  /** What was asked does not matter any more. */
  drop(): void {
    this.#questions++;
  }
}
