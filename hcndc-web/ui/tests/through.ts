/** Takes a thing through its pages: it is made, changed and deleted there. */
import { expect, type Page } from '@playwright/test'
import type { Look } from './fixture'

const EN = { create: 'Create', edit: 'Edit', save: 'Save', delete: 'Delete', kept: 'I have kept it' }
const ZH = { create: '创建', edit: '编辑', save: '保存', delete: '删除', kept: '已保存' }

/** `address` is that of its list; `field` has its name, and `fill` enters what else it needs. */
export async function through(page: Page, address: string, { locale }: Look, field: string, name: string, fill: () => Promise<void> = async () => {}): Promise<void> {
  const words = locale === 'zh-CN' ? ZH : EN
  const press = (word: string) => page.getByRole('button', { name: word, exact: true }).click()
  const title = page.locator('h1')
  await page.goto(`${address}new/`)
  await page.locator(`#field-${field}`).fill(name)
  await fill()
  await press(words.create)
  // A secret that is told once.
  const once = page.getByRole('button', { name: words.kept })
  await expect(once.or(page.locator('h1', { hasText: name }))).toBeVisible()
  if (await once.isVisible()) await once.click()
  await expect(title).toContainText(name)

  await press(words.edit)
  await page.locator(`#field-${field}`).fill(`${name}-2`)
  await press(words.save)
  await expect(title).toContainText(`${name}-2`)

  await press(words.delete)
  await page.getByRole('dialog').getByRole('button', { name: words.delete, exact: true }).click()
  await expect(page).toHaveURL(address)
  await expect(page.locator('.skeleton')).toHaveCount(0)
  await expect(page.locator('tbody').getByText(`${name}-2`, { exact: true })).toHaveCount(0)
}
