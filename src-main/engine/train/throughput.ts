/** How fast training goes, from its last dispatches. */

/** Weight of the newest dispatch. */
const smoothing = 0.2;

export class Throughput {
  private msPerStep: number | null = null;
  private imagesPerMs = 0;

  add(steps: number, images: number, elapsedMs: number): void {
    const perStep = elapsedMs / steps;
    const rate = images / elapsedMs;
    const isFirst = this.msPerStep === null;
    this.msPerStep = isFirst ? perStep : this.msPerStep! + smoothing * (perStep - this.msPerStep!);
    this.imagesPerMs = isFirst ? rate : this.imagesPerMs + smoothing * (rate - this.imagesPerMs);
  }

  /** At least 1. A cautious few before anything is measured. */
  stepsWithin(budgetMs: number): number {
    return this.msPerStep === null ? 4 : Math.max(1, Math.round(budgetMs / this.msPerStep));
  }

  imagesPerSecond(): number | null {
    return this.msPerStep === null ? null : this.imagesPerMs * 1000;
  }

  secondsFor(steps: number): number | null {
    return this.msPerStep === null ? null : (steps * this.msPerStep) / 1000;
  }
}
