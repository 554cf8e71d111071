/** A copy of a list keeps what was changed while an older answer was on its way. */
import { expect, it } from 'vitest';
import { FollowedList } from '../../../src-renderer/state/followed-list.svelte.ts';

class Numbers extends FollowedList<number> {
  add(value: number): void {
    this.change((all) => [...all, value]);
  }
}

function withAnswers(): { list: Numbers; answers: ((answer: Promise<number[]>) => void)[] } {
  const answers: ((answer: Promise<number[]>) => void)[] = [];
  return { list: new Numbers(() => new Promise((resolve) => answers.push(resolve))), answers };
}

it('keeps a change that came while it was read', async () => {
  const { list, answers } = withAnswers();
  const first = list.read();
  list.add(3);
  expect(list.all).toBeNull();
  answers[0]!(Promise.resolve([1, 2]));
  await first;
  expect(list.all).toEqual([1, 2, 3]);
  list.add(4);
  const second = list.read();
  answers[1]!(Promise.resolve([1, 2, 4]));
  await second;
  expect(list.all).toEqual([1, 2, 4]);
});

it('takes the answer to the latest reading, and says why that one failed', async () => {
  const { list, answers } = withAnswers();
  const readings = [list.read(), list.read()];
  answers[1]!(Promise.resolve([2]));
  await readings[1];
  answers[0]!(Promise.resolve([1]));
  await readings[0];
  expect([list.all, list.error]).toEqual([[2], null]);
  const failing = list.read();
  answers[2]!(Promise.reject(new Error('gone')));
  await failing;
  expect([list.all, String(list.error)]).toEqual([[2], 'Error: gone']);
});
