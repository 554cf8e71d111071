/** What the parts of `npm run gpu:check` tell each other. */
export type Part = 'probe' | 'operators' | 'networks' | 'speed';

export interface Row {
  /** An operator, a network or a device. */
  name: string;
  /** Worst relative error; null where it did not run or is not about that. */
  error: number | null;
  /** Images a second. */
  value: number | null;
  /** Why it failed; null where it is right. */
  note: string | null;
  /** What a device need not have: it is no failure where it does not run. */
  isOptional?: boolean;
}

/** With --quick: small, and with every kind of layer that the larger ones have but transposed convolutions. */
export const quickNetworks: readonly string[] = ['lenet5', 'lenet5-bn', 'yolov8n'];
