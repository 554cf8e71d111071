/** Short messages at the edge of the window: what was done, or what failed where no screen shows it. */

export interface Toast {
  id: number;
  tone: 'neutral' | 'good' | 'danger';
  message: string;
  action: { label: string; run: () => void } | null;
}

const shownMs = 6000;

export class Toasts {
  list = $state.raw<readonly Toast[]>([]);
  #nextId = 1;

  /** Answers with the message's id. */
  done(message: string, action: Toast['action'] = null): number {
    return this.#show('good', message, action);
  }

  say(message: string, action: Toast['action'] = null): void {
    this.#show('neutral', message, action);
  }

  /** Stays until it is dismissed: an error must not vanish while the person looks elsewhere. */
  error(error: unknown): void {
    this.#show('danger', error instanceof Error ? error.message : String(error), null);
  }

  dismiss(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  #show(tone: Toast['tone'], message: string, action: Toast['action']): number {
    const id = this.#nextId++;
    const others = this.list.filter((toast) => toast.message !== message);
    this.list = [...others, { id, tone, message, action }];
    if (tone !== 'danger') setTimeout(() => this.dismiss(id), shownMs);
    return id;
  }
}
