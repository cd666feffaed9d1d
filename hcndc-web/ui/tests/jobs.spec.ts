import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Page } from '@playwright/test'
import { accessible, expect, look, server, test } from './fixture'

async function post(path: string, body: unknown): Promise<{ id: number }> {
  const response = await fetch(`${server()}/api/v1/${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  return (await response.json()) as { id: number }
}

/** Runs a flow and opens the log of its only job. */
async function run(page: Page, flow: string, job: string): Promise<void> {
  const { id } = await post('executions', { flow, data_date: '2026-11-21' })
  await page.goto(`${server()}/execute/${id}/`)
  await expect(page.locator('h1 + .tag')).toHaveText(/Succeeded|成功/)
  await page.getByRole('button', { name: job, exact: true }).click()
}

test('a request is written in the form, put right, run and read in its log', async ({ page }) => {
  const name = `http-${Date.now()}`
  await post('flows', { name })
  await look(page, { locale: 'en', theme: 'light' })
  await page.goto(`${server()}/job/new/?flow=${name}`)
  await page.getByLabel('Name').fill('ping')
  await page.locator('.field', { hasText: 'What it does' }).getByText('HTTP request').click()
  await page.getByLabel('URL').fill('nowhere')
  await accessible(page)
  await page.getByRole('button', { name: 'Create' }).click()
  await expect(page.locator('.field', { hasText: 'What it does' }).locator('.note.error')).toContainText('begins with http://')
  await page.getByLabel('URL').fill(`${server()}/healthz?day=\${date}`)
  await page.getByRole('button', { name: 'Create' }).click()
  await expect(page.locator('dl')).toContainText('HTTP GET http://')
  await run(page, name, 'ping')
  await expect(page.locator('[role=log]')).toContainText('200 OK after')
})

test('statements are written in the form, run, and their rows are in the log', async ({ page }) => {
  const name = `sql-${Date.now()}`
  // An empty file is an empty database.
  const database = path.join(mkdtempSync(path.join(tmpdir(), 'hcndc-ui-dw-')), 'dw.sqlite')
  writeFileSync(database, '')
  await post('data-sources', { name, kind: 'sqlite', database })
  await post('flows', { name })
  await look(page, { locale: 'zh-CN', theme: 'dark' })
  await page.goto(`${server()}/job/new/?flow=${name}`)
  await page.getByLabel('名称').fill('count')
  await page.locator('.field', { hasText: '执行内容' }).getByText('SQL 语句').click()
  await page.getByRole('combobox', { name: '数据源' }).fill(name)
  await page.getByRole('option', { name }).click()
  await page.getByRole('textbox', { name: '语句' }).fill("create table t (day text);\ninsert into t values ('${date}');\nselect day, 42 as n from t")
  await page.getByText('在一个事务中').click()
  await page.getByRole('button', { name: '创建' }).click()
  await expect(page.locator('dl')).toContainText(`SQL @ ${name}`)
  await run(page, name, 'count')
  await expect(page.locator('[role=log]')).toContainText('3 statements done')
  await expect(page.locator('[role=log]')).toContainText('2026-11-21')
})
