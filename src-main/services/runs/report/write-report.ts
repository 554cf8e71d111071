/** Writes the report of a run or a comparison as one HTML file or as Markdown. Everything a person has typed is escaped. Pure. */
import type { ComparisonReport, ReportCell, ReportExample, ReportTable } from './comparison-report.ts';
import { escapeXml } from '../../../contract/curves-svg.ts';
import { boxesSvg, type ExampleBoxes } from './example-boxes.ts';

const style = `
body { max-width: 1100px; margin: 32px auto; padding: 0 20px; color: #222; font: 14px/1.5 system-ui, sans-serif; }
h1 { font-size: 20px; } h2 { margin: 28px 0 6px; font-size: 15px; }
table { border-collapse: collapse; font-size: 13px; } .scroll { overflow-x: auto; }
th, td { padding: 5px 16px 5px 0; border-bottom: 1px solid #ddd; text-align: left; vertical-align: top; }
thead th { color: #666; font-weight: 400; } tbody th { font-weight: 400; }
td { font-variant-numeric: tabular-nums; } .wins { color: #1a6b3c; font-weight: 600; }
.note, footer { color: #666; font-size: 12px; } footer { margin-top: 32px; } svg { max-width: 100%; height: auto; }
.examples { display: flex; flex-wrap: wrap; gap: 16px; } figure { width: 200px; margin: 0; font-size: 12px; }
figure img { width: 200px; height: 150px; object-fit: contain; background: #eee; }
.compared { width: auto; } .compared div { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 4px; }
.compared div span { width: 260px; } .compared svg { display: block; width: 260px; background: #eee; }
figure img[src^='data:image/png'] { image-rendering: pixelated; } figcaption span { display: block; }
`;

export function reportHtml(report: ComparisonReport): string {
  const title = escapeXml(report.title);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${title}</title>
<style>${style}</style>
<h1>${title}</h1>
${report.lead.map((sentence) => `<p>${escapeXml(sentence)}</p>`).join('\n')}
${report.pictures.map(({ title: heading, svg }) => `<h2>${escapeXml(heading)}</h2>\n${svg}`).join('\n')}
${examplesHtml(report.examples)}
${report.tables.map(tableHtml).join('\n')}
<footer>${escapeXml(report.footer)}</footer>
</html>
`;
}

function examplesHtml({ title, images }: ComparisonReport['examples']): string {
  return images.length === 0
    ? ''
    : `<h2>${escapeXml(title)}</h2>\n<div class="examples">${images.map(exampleHtml).join('\n')}</div>`;
}

function exampleHtml(example: ReportExample, index: number): string {
  const { title, source, words, boxes } = example;
  if (boxes !== null) return panesHtml(example, boxes, `example-${index}`);
  const lines = words.map((line) => `<span>${escapeXml(line)}</span>`).join('');
  return `<figure><img src="${escapeXml(source)}" alt="${escapeXml(title)}"><figcaption>${escapeXml(title)}${lines}</figcaption></figure>`;
}

/** The truth, then a pane for each run; the image itself is in the file once. */
function panesHtml({ title, source, words }: ReportExample, boxes: ExampleBoxes, id: string): string {
  const { widthPx, heightPx } = boxes.size;
  const image = `<image id="${id}" href="${escapeXml(source)}" width="${widthPx}" height="${heightPx}"/>`;
  const panes = [boxes.truth, ...boxes.runs].map((drawn, pane) => {
    const says = pane === 0 ? 'Ground truth' : words[pane - 1]!;
    const picture = pane === 0 ? image : `<use href="#${id}"/>`;
    return `<span><svg viewBox="0 0 ${widthPx} ${heightPx}" role="img" aria-label="${escapeXml(`${title}, ${says}`)}">${picture}${boxesSvg(drawn, boxes.size)}</svg>${escapeXml(says)}</span>`;
  });
  return `<figure class="compared"><figcaption>${escapeXml(title)}</figcaption><div>${panes.join('')}</div></figure>`;
}

function tableHtml({ title, note, head, rows }: ReportTable): string {
  const heading = `<h2>${escapeXml(title)}</h2>`;
  const below = note === null ? '' : `\n<p class="note">${escapeXml(note)}</p>`;
  if (rows.length === 0) return heading + below;
  const headCells = head.map((cell) => `<th scope="col">${escapeXml(cell)}</th>`).join('');
  const bodyRows = rows.map((row) => `<tr>${row.map(cellHtml).join('')}</tr>`).join('\n');
  return `${heading}
<div class="scroll"><table><thead><tr>${headCells}</tr></thead><tbody>
${bodyRows}
</tbody></table></div>${below}`;
}

function cellHtml({ text, wins }: ReportCell, index: number): string {
  if (index === 0) return `<th scope="row">${escapeXml(text)}</th>`;
  return wins ? `<td class="wins">${escapeXml(text)} ★</td>` : `<td>${escapeXml(text)}</td>`;
}

export function reportMarkdown(report: ComparisonReport): string {
  const parts = [
    `# ${escapeMarkdown(report.title)}`,
    ...report.lead.map(escapeMarkdown),
    ...report.pictures.flatMap(({ title, svg }) => [
      `## ${escapeMarkdown(title)}`,
      `![${escapeMarkdown(title)}](data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')})`,
    ]),
    ...(report.examples.images.length === 0 ? [] : [`## ${escapeMarkdown(report.examples.title)}`]),
    ...report.examples.images.map(
      ({ title, source, words }) => `![${escapeMarkdown(title)}](${source}) ${words.map(escapeMarkdown).join('; ')}`,
    ),
    ...report.tables.map(tableMarkdown),
    escapeMarkdown(report.footer),
  ];
  return `${parts.join('\n\n')}\n`;
}

function tableMarkdown({ title, note, head, rows }: ReportTable): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const table = [
    line(head.map(escapeMarkdown)),
    line(head.map(() => '---')),
    ...rows.map((row) =>
      line(row.map(({ text, wins }) => (wins ? `**${escapeMarkdown(text)}**` : escapeMarkdown(text)))),
    ),
  ].join('\n');
  const below = note === null ? [] : [escapeMarkdown(note)];
  return [`## ${escapeMarkdown(title)}`, ...(rows.length === 0 ? [] : [table]), ...below].join('\n\n');
}

function escapeMarkdown(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(/[\\`*_{}[\]<>#|~]/g, (character) => `\\${character}`);
}
