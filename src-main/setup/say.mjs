/**
 * How the set-up talks: plain sentences on stderr, so that stdout stays free for what a task itself prints (the CLI's
 * JSON, a bench's last line). Imports nothing but Node and runs on Node 20.
 */

/** @param {string} sentence */
export function say(sentence) {
  process.stderr.write(`fovea: ${sentence}\n`);
}

/** Something that is missing or broken on this machine, with the exact command (or step) that mends it. */
export class SetupProblem extends Error {
  /**
   * @param {string} message what is wrong, as a sentence
   * @param {string} mend the command or step that mends it
   */
  constructor(message, mend) {
    super(message);
    this.name = 'SetupProblem';
    this.mend = mend;
  }
}

/** @param {SetupProblem} problem */
export function sayProblem(problem) {
  say(problem.message);
  process.stderr.write(`  To mend it:\n    ${problem.mend}\n`);
}
