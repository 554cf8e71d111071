/** The README's list of operators says what the op table says. UPDATE_GOLDEN=1 writes it again. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { expect, test } from 'vitest';
import type { AnyOpDefinition } from '../../src-main/engine/ops/definition.ts';
import { OPS } from '../../src-main/engine/ops/index.ts';

const readme = fileURLToPath(new URL('../../README.md', import.meta.url));
const block = /(?<=<!-- features -->\n).*?(?=<!-- \/features -->)/s;

const operators = Object.entries(OPS as Record<string, AnyOpDefinition>);
const isDifferentiable = ({ gradient }: AnyOpDefinition): boolean => gradient !== 'not-differentiable';
const isAbstract = ({ domain }: AnyOpDefinition): boolean => domain === 'fovea';

/** "Abs, Add, Gelu (com.microsoft), …" */
function names(holds: (definition: AnyOpDefinition) => boolean): string {
  const listed = operators.filter(([, definition]) => holds(definition));
  return listed.map(([name, { domain }]) => (domain ? `${name} (${domain.split('.').slice(0, 2).join('.')})` : name)).join(', ');
}

function features(): string {
  const plain = (differentiable: boolean): string =>
    names((definition) => !isAbstract(definition) && isDifferentiable(definition) === differentiable);
  const rows = operators
    .filter(([, definition]) => definition.formulations)
    .map(([name, definition]) => {
      const domain = isAbstract(definition) ? 'ours' : 'ONNX';
      const gradient = definition.gradient === 'stops' ? 'stops' : isDifferentiable(definition) ? 'yes' : 'no';
      return `| ${name} | ${domain} | ${gradient} | ${Object.keys(definition.formulations ?? {}).join(', ')} |`;
    });
  return [
    `With a gradient: ${plain(true)}.`,
    `Without one, and a loss that would need it is refused: ${plain(false)}.`,
    'Operators of our own, and those of ONNX that there is a faster way for. Each is lowered to one of its formulations: the first that suits its shapes, unless the tuner has measured another to be faster.',
    ['| operator | whose | gradient | formulations |', '|---|---|---|---|', ...rows].join('\n'),
  ].join('\n\n');
}

test('the README lists the operators of the table', async () => {
  const text = readFileSync(readme, 'utf8');
  const current = block.exec(text)?.[0];
  expect(current, 'the block between the features markers').toBeDefined();
  const options = { ...(await resolveConfig(readme)), parser: 'markdown' };
  const wanted = `\n${await format(features(), options)}\n`;
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(readme, text.replace(block, () => wanted));
  else expect(current, 'run this test with UPDATE_GOLDEN=1 to write it again').toBe(wanted);
});
