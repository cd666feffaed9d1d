/** A story of a job's page: what would run is looked at before anything does. */
import { accessible, expect, look, LOOKS, results, server, test } from './fixture'

async function send<T = { id: number }>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${server()}/api/v1/${path}`, { method, headers: { 'content-type': 'application/json' }, ...(body ? { body: JSON.stringify(body) } : {}) })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}

for (const it of LOOKS) {
  const say = (en: string, zh: string) => (it.locale === 'zh-CN' ? zh : en)

  test(`what would run is told for a date, in ${it.locale}`, async ({ page }) => {
    const flow = `preview-${it.locale}-${Date.now()}`
    await send('POST', 'flows', { name: flow })
    const job = await send('POST', 'jobs', { flow, name: 'load', command: 'sh load.sh ${date-1d}', params: { table: 'two words', api_token: 's3cret-key' } })
    await look(page, it)
    await page.goto(`${server()}/job/${job.id}/`)
    const card = page.locator('.card', { hasText: say('What would run', '运行内容预览') })
    const show = card.getByRole('button', { name: say('Show', '预览') })
    await card.locator('#preview-date').fill('2026-11-21')
    await page.keyboard.press('Enter')
    await card.locator('#preview-format').fill('%Y%m%d')
    await show.click()
    await expect(card.locator('pre').first()).toHaveText("sh load.sh 20261120 'two words' ***")
    await card.locator('summary').click()
    await expect(card.locator('details pre')).toContainText('HCNDC_DATE=2026-11-21')
    await accessible(page)
    await card.screenshot({ path: `${results()}/preview-${it.locale}.png` })
    await expect(card).not.toContainText('s3cret-key')

    // A job that could not begin says why.
    await send('PATCH', `jobs/${job.id}`, { command: 'sh load.sh ${param.none}' })
    await show.click()
    await expect(card).toContainText(say('An attempt could not begin', '尝试无法开始'))
    await expect(card).toContainText('none')
    const executions = await send<{ items: unknown[] }>('GET', `executions?flow=${flow}`)
    expect(executions.items).toEqual([])
  })
}
