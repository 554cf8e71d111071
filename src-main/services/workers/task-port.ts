/** How a task in the worker process speaks with the services: it tells what it makes, and learns that nobody wants it. */
import { FoveaError } from '../../contract/errors.ts';

/** Messages under way at most, for a task that waits for its reader. */
const MOST_UNTAKEN = 8;

export class TaskPort<Message> {
  readonly #send: (message: Message) => void;
  #isStopped = false;
  #untaken = 0;
  #waiting: (() => void)[] = [];

  constructor(send: (message: Message) => void) {
    this.#send = send;
  }

  /** Throws FoveaError `cancelled` where nobody wants the task any more. */
  post = (message: Message): void => {
    this.throwIfStopped();
    this.#untaken++;
    this.#send(message);
  };

  /** As `post`, and resolves when so few messages are under way that the reader keeps up. */
  postAndWait = async (message: Message): Promise<void> => {
    this.post(message);
    while (this.#untaken >= MOST_UNTAKEN && !this.#isStopped) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.throwIfStopped();
  };

  /** A request to stop arrives between two turns of the event loop, so that only work that awaits something hears it. */
  throwIfStopped = (): void => {
    if (this.#isStopped) throw new FoveaError('cancelled', 'The task was cancelled.');
  };

  /** The services dealt with one more message. */
  taken(): void {
    this.#untaken--;
    this.#wake();
  }

  stop(): void {
    this.#isStopped = true;
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
