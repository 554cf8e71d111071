/**
 * Every operator of the table against PyTorch in float64: outputs, gradients and inferred shapes, for every way in
 * which abstract operators can be lowered.
 */
import { afterAll, describe, expect, test } from 'vitest';
import type { Node } from '../../src-main/engine/graph/types.ts';
import type { AnyOpDefinition } from '../../src-main/engine/ops/definition.ts';
import { OPS } from '../../src-main/engine/ops/index.ts';
import type { ChooseFormulation } from '../../src-main/engine/passes/lower.ts';
import {
  buildCase,
  caseFeeds,
  caseTitle,
  gradientName,
  isDifferentiable,
  opCases,
  opTypesWithCases,
  outputName,
  type OpCase,
} from '../helpers/engine-cases.ts';
import { findChannelBlock } from '../helpers/channel-block.ts';
import { numbersOf, relativeError, runGraph, runtime, type Results } from '../helpers/engine-run.ts';

/** Float32 rounding of short sums; where PyTorch's own float32 does worse, three times its error. */
const bar = (torch32: number): number => Math.max(1e-5, 3 * torch32);

const channelBlock = await findChannelBlock();
/** Formulations that need blocked convolutions, which not every machine has. */
const needsBlocks = (choice: Choice): boolean =>
  /\.(blocked|blocks|byPosition|fusedConv|swappedRoles)$|^Conv(InputGradient)?\.winograd$/.test(choice);

/** An operator and one of its formulations. */
type Choice = `${string}.${string}`;
const allChoices: Choice[] = Object.entries(OPS as Record<string, AnyOpDefinition>).flatMap(([opType, definition]) =>
  Object.keys(definition.formulations ?? {}).map((name): Choice => `${opType}.${name}`),
);
const triedChoices = new Set<Choice>();

/** The default everywhere but for `forced`; notes what else would apply. */
function chooseBut(forced: Choice | null, seen: Set<Choice>): ChooseFormulation {
  return ({ opType }: Node, applicable) => {
    const choices = applicable.map((name): Choice => `${opType}.${name}`);
    for (const choice of choices) seen.add(choice);
    return applicable[
      Math.max(
        0,
        choices.findIndex((choice) => choice === forced),
      )
    ]!;
  };
}

async function check(testCase: OpCase, choose: ChooseFormulation, how: string): Promise<void> {
  const { graph, shapes } = buildCase(testCase, true, { choose, channelBlock });
  const results = await runGraph(graph, caseFeeds(testCase, true));
  for (const [name, shape] of shapes) {
    const dims = [...results[name]!.shape];
    if (testCase.fewerRows) dims.splice(0, 1, ...shape.slice(0, 1));
    expect(dims, `${how}: onnxruntime's shape of ${name} against the inferred one`).toEqual([...shape]);
  }
  checkOutputs(testCase, results, how);
  checkGradients(testCase, results, how);
}

function checkOutputs({ outputs, outputType, torch32 }: OpCase, results: Results, how: string): void {
  outputs.forEach((output, i) => {
    const result = results[outputName(i)]!;
    const isFloat = output.dataType === 'float32';
    expect(result.dataType, `${how}: type of output ${i}`).toBe(outputType ?? output.dataType);
    expect([...result.shape], `${how}: shape of output ${i}`).toEqual(output.shape);
    const error = relativeError(numbersOf(results, outputName(i)), output.data);
    expect(error, `${how}: output ${i}, relative error`).toBeLessThanOrEqual(isFloat ? bar(torch32.outputs[i]!) : 0);
  });
}

function checkGradients({ inputs, torch32 }: OpCase, results: Results, how: string): void {
  let place = 0;
  inputs.forEach((input, i) => {
    if (!input?.gradient) return;
    const error = relativeError(numbersOf(results, gradientName(i)), input.gradient);
    expect(error, `${how}: gradient by input ${i}, relative error`).toBeLessThanOrEqual(
      bar(torch32.gradients[place++]!),
    );
  });
}

describe.each(opTypesWithCases)('%s', (opType) => {
  const cases = opCases.filter((testCase) => testCase.opType === opType);

  test.each(cases.map((testCase) => [testCase.name, testCase] as const))('%s', async (_, testCase) => {
    const seen = new Set<Choice>();
    const done = new Set<Choice>();
    await check(testCase, chooseBut(null, seen), 'default');
    // A formulation may bring abstract operators that the default does not use, so `seen` may grow on the way.
    for (const choice of seen) {
      if (done.has(choice)) continue;
      done.add(choice);
      await check(testCase, chooseBut(choice, seen), choice);
      triedChoices.add(choice);
    }
  });

  test('has a golden case, with gradients where it is differentiable', () => {
    expect(cases, 'cases in tests/golden/engine/op_cases*.py').not.toHaveLength(0);
    const withGradient = cases.filter(({ inputs }) => inputs.some((input) => input?.gradient));
    const domain = cases[0]!.domain;
    if (isDifferentiable({ opType, domain })) expect(withGradient, 'cases with gradients').not.toHaveLength(0);
    else expect(withGradient.map(caseTitle), 'cases with gradients of a not-differentiable op').toEqual([]);
  });
});

test('every golden case is of an operator in the table', () => {
  expect(opCases.filter(({ opType }) => !(opType in OPS)).map(caseTitle)).toEqual([]);
});

test('every formulation of every operator was tried on some case', () => {
  const missing = allChoices.filter((choice) => !triedChoices.has(choice));
  expect(missing).toEqual(channelBlock === null ? allChoices.filter(needsBlocks) : []);
});

afterAll(() => expect(runtime.liveSessions).toBe(0));
