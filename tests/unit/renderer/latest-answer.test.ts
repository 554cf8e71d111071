/** Of questions that overlap only the latest one's answer counts. */
import { expect, it } from 'vitest';
import { LatestAnswer } from '../../../src-renderer/state/latest-answer.ts';

it('takes the answer to the latest question, whichever comes last, and its failure alone', async () => {
  const latest = new LatestAnswer();
  const taken: unknown[] = [];
  const ask = () => {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const done = latest.to(
      promise,
      (answer) => taken.push(answer),
      (error) => taken.push(String(error)),
    );
    return { resolve, reject, done };
  };
  const [first, second, third] = [ask(), ask(), ask()];
  third.resolve(3);
  await third.done;
  first.resolve(1);
  second.reject(new Error('gone'));
  await Promise.all([first.done, second.done]);
  expect(taken).toEqual([3]);
  const fourth = ask();
  fourth.reject(new Error('gone'));
  await fourth.done;
  expect(taken).toEqual([3, 'Error: gone']);
});

it('takes nothing that was dropped, and rejects where nobody takes the failure', async () => {
  const latest = new LatestAnswer();
  const taken: number[] = [];
  const { promise, resolve } = Promise.withResolvers<number>();
  const done = latest.to(promise, (answer) => taken.push(answer));
  latest.drop();
  resolve(1);
  await done;
  expect(taken).toEqual([]);
  await expect(latest.to(Promise.reject(new Error('gone')), () => undefined)).rejects.toThrow('gone');
});
