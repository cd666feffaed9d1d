/** Stories of looking ahead, back, and at how long things take. */
import { accessible, expect, look, server, test } from './fixture'

async function send(method: string, path: string, body: unknown): Promise<{ id: number }> {
  const response = await fetch(`${server()}/api/v1/${path}`, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as { id: number }
}

/** A flow of one job that a schedule starts every night. */
async function night(name: string) {
  const flow = await send('POST', 'flows', { name })
  const job = await send('POST', 'jobs', { flow: name, name: 'load', command: 'echo loaded', expected: '10m' })
  const schedule = await send('POST', 'schedules', { name, flow: name, trigger: '30 2 * * *', zone: 'Asia/Shanghai', finish_by: '03:00' })
  return { flow, job, schedule }
}

test('a longer job is tried out from its form: what moves, what is missed, and back to the form', async ({ page }) => {
  const name = `what-if-${Date.now()}`
  const { job } = await night(name)
  await look(page, { locale: 'en', theme: 'light' })
  await page.goto(`${server()}/job/${job.id}/edit/`)
  await page.getByText('More settings').click()
  await page.getByLabel('Usual duration').fill('45m')
  await page.getByRole('button', { name: 'See what it does to the forecast' }).click()

  const differences = page.locator('section.card', { hasText: 'What it would change' })
  await expect(differences).toContainText(`“${name}”`)
  await expect(differences).toContainText('Newly missed')
  await expect(differences.locator('tbody tr', { hasText: name })).toContainText('+ 35 min')
  await expect(page.locator('.chip')).toContainText('Usual duration')
  await expect(page.locator('.piece.was').first()).toBeVisible()
  await accessible(page)

  await page.getByRole('link', { name: 'Back to the form' }).click()
  await expect(page.locator('.filled')).toContainText('not saved yet')
  await page.getByText('More settings').click()
  await expect(page.getByLabel('Usual duration')).toHaveValue('45m')
  await page.getByRole('button', { name: 'Show what is stored' }).click()
  await expect(page.getByLabel('Usual duration')).toHaveValue('10m')
})

test('预测页上试改触发时间与 YAML，拒绝时说明原因', async ({ page }) => {
  const name = `jia-she-${Date.now()}`
  await night(name)
  await look(page, { locale: 'zh-CN', theme: 'dark' })
  await page.goto(`${server()}/forecast/`)
  await page.getByRole('button', { name: '假设分析' }).click()
  const panel = page.getByRole('region', { name: '假设分析' })
  await panel.getByRole('combobox', { name: '选择对象' }).fill(name)
  await page.getByRole('option', { name, exact: true }).click()
  await panel.getByRole('combobox', { name: '选择设置项' }).click()
  await page.getByRole('option', { name: '暂停', exact: true }).click()
  await panel.locator('.el-switch').click()
  await panel.getByRole('button', { name: '试一试' }).click()
  const differences = page.locator('section.card', { hasText: '将带来的变化' })
  await expect(differences).toContainText('不再触发')
  await expect(differences).toContainText(name)
  await accessible(page)

  await panel.getByRole('radio', { name: '网状依赖文件片段' }).check({ force: true })
  await panel.getByRole('textbox', { name: '网状依赖文件片段' }).fill(`hcndc: 1\nflows:\n  - {name: ${name}-b, jobs: [{name: x}]}\n`)
  await panel.getByRole('button', { name: '试一试' }).click()
  await expect(page.getByRole('alert').first()).toContainText('command')
  await panel.getByRole('button', { name: '清除全部假设' }).click()
  await expect(page.locator('.chip')).toHaveCount(0)
  await expect(differences).toHaveCount(0)
})

test('a definition’s versions are read, compared, and one is put again', async ({ page }) => {
  const name = `versions-${Date.now()}`
  const { job } = await night(name)
  await send('PATCH', `jobs/${job.id}`, { command: 'echo wrong\nexit 3' })
  await send('PATCH', `jobs/${job.id}`, { command: 'echo wrong\nexit 4', timeout: '1h' })
  await look(page, { locale: 'en', theme: 'dark' })
  await page.goto(`${server()}/job/${job.id}/`)
  await page.getByRole('tab', { name: 'History' }).click()
  await expect(page).toHaveURL(/tab=history/)
  const entries = page.locator('.entries li')
  await expect(entries).toHaveCount(3)
  await expect(entries.first()).toContainText('Version 3')
  await expect(entries.first()).toContainText('- exit 3')
  await expect(entries.first()).toContainText('+ exit 4')
  await expect(entries.first()).toContainText('1h')
  await page.getByRole('radio', { name: 'Compare from Version 1' }).check()
  await page.getByRole('radio', { name: 'Compare to Version 3' }).check()
  await expect(page.getByRole('heading', { name: 'From Version 1 to Version 3' })).toBeVisible()
  await accessible(page)

  await entries.last().getByRole('button', { name: 'Restore this version' }).click()
  await expect(page.locator('.filled')).toContainText('Filled with version 1')
  await expect(page.getByLabel('Command')).toHaveValue('echo loaded')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.locator('dl').first()).toContainText('echo loaded')
  await page.getByRole('tab', { name: 'History' }).click()
  await expect(page.locator('.entries li')).toHaveCount(4)
})

test('已删除的定义仍有历史，并可据此新建', async ({ page }) => {
  const name = `shan-chu-${Date.now()}`
  const { id } = await send('POST', 'pools', { name, slots: 3 })
  await send('PATCH', `pools/${id}`, { slots: 5 })
  await fetch(`${server()}/api/v1/pools/${id}`, { method: 'DELETE' })
  await look(page, { locale: 'zh-CN', theme: 'light' })
  await page.goto(`${server()}/pool/${id}/`)
  await expect(page.locator('.entries li').first()).toContainText('删除')
  await page.locator('.entries li').first().getByRole('button', { name: '恢复此版本' }).click()
  await expect(page.getByLabel('名称')).toHaveValue(name)
  await page.getByRole('button', { name: '创建' }).click()
  await expect(page.locator('h1')).toHaveText(name)
  await expect(page.locator('dl').first()).toContainText('5')
})

test('a flow’s page shows what its runs took, and the home page how the days went', async ({ page }) => {
  test.slow()
  const name = `trend-${Date.now()}`
  const { flow } = await night(name)
  for (let day = 10; day < 15; day++) await send('POST', 'executions', { flow: name, data_date: `2026-11-${day}` })
  await look(page, { locale: 'en', theme: 'light' })
  await page.goto(`${server()}/interface/${flow.id}/`)
  const chart = page.getByRole('img', { name: /5 runs; median/ })
  await expect(chart.locator('canvas')).toBeVisible()
  await accessible(page)
  await page.goto(`${server()}/home/`)
  await expect(page.getByRole('img', { name: /Executions of 30 days/ }).locator('canvas')).toBeVisible()
  await expect(page.getByRole('heading', { name: 'Next 24 hours' })).toBeVisible()
  await expect(page.locator('.flows li', { hasText: name })).toBeVisible()
  await accessible(page)
})
