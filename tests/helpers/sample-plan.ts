/** Plans a run of the sample project as a person does it: the plan that is there, its epochs, its name. */
import type { Page } from 'playwright-core';

/** On the train screen, just opened: its plan is the preset that came with the data. */
export async function planSampleRun(page: Page, { epochs, name }: { epochs: number; name: string }): Promise<void> {
  await page.getByText('The plan begins as the preset "Sample: from the countryside".').waitFor();
  await page.getByLabel('Epochs', { exact: true }).fill(String(epochs));
  await page.keyboard.press('Tab');
  await page.getByRole('textbox', { name: 'Name of the run' }).fill(name);
}
