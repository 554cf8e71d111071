/** How fast training goes, from its last dispatches. */

/** What a dispatch still counts for when the next one is there; each counts by its length. */
const remembered = 0.8;

export class Throughput {
  private steps = 0;
  private images = 0;
  private ms = 0;

  add(steps: number, images: number, elapsedMs: number): void {
    this.steps = remembered * this.steps + steps;
    this.images = remembered * this.images + images;
    this.ms = remembered * this.ms + elapsedMs;
  }

  /** At least 1. A cautious few before anything is measured. */
  stepsWithin(budgetMs: number): number {
    return this.steps === 0 ? 4 : Math.max(1, Math.round((budgetMs * this.steps) / this.ms));
  }

  imagesPerSecond(): number | null {
    return this.steps === 0 ? null : (this.images * 1000) / this.ms;
  }

  secondsFor(steps: number): number | null {
    return this.steps === 0 ? null : (steps * this.ms) / this.steps / 1000;
  }
}
