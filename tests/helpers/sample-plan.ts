/** Plans a run of the sample project as a person does it: the preset from the countryside, its epochs, its name. */
import type { Page } from 'playwright-core';

/** On the train screen. */
export async function planSampleRun(page: Page, { epochs, name }: { epochs: number; name: string }): Promise<void> {
  await page
    .getByRole('button', { name: /^Plan|^Preset/ })
    .first()
    .click();
  await page.getByRole('menuitem', { name: /Sample: from the countryside/ }).click();
  await page.getByLabel('Epochs', { exact: true }).fill(String(epochs));
  await page.keyboard.press('Tab');
  await page.getByRole('textbox', { name: 'Name of the run' }).fill(name);
}
