import { mkdirSync } from 'node:fs'
import { accessible, expect, look, LOOKS, results, server, test } from './fixture'

const PAGES: [name: string, path: string, here: string][] = [
  ['home', '/home/', 'h1'],
  ['executions', '/execute/', 'tbody a'],
  ['flows', '/interface/', 'tbody a'],
  ['flow-new', '/interface/new/', 'form'],
  ['jobs', '/job/', 'tbody a'],
  ['job-new', '/job/new/', 'form'],
  ['executors', '/base/exec/host/', 'tbody a'],
  ['executor-new', '/base/exec/host/new/', 'form'],
  ['schedules', '/dispatch/', 'h1'],
  ['schedule-new', '/dispatch/new/', 'form'],
  ['alert-rules', '/dispatch/alert/', 'h1'],
  ['alert-rule-new', '/dispatch/alert/new/', 'form'],
  ['alert-channels', '/base/alert/', 'h1'],
  ['alert-channel-new', '/base/alert/new/', 'form'],
  ['params', '/params/', 'h1'],
  ['param-new', '/params/new/', 'form'],
  ['data-sources', '/datasource/', 'h1'],
  ['data-source-new', '/datasource/new/', 'form'],
  ['file-servers', '/ftp/', 'h1'],
  ['file-server-new', '/ftp/new/', 'form'],
  ['file-events', '/ftp/event/', 'h1'],
  ['file-event-new', '/ftp/event/new/', 'form'],
  ['calendars', '/calendar/', 'h1'],
  ['calendar-new', '/calendar/new/', 'form'],
  ['pools', '/pool/', 'h1'],
  ['pool-new', '/pool/new/', 'form'],
  ['unknown', '/nowhere-in-particular/', 'h1'],
]

/** Details are found by what the lists hold, for ids differ. */
async function first(path: string, query = ''): Promise<number> {
  const response = await fetch(`${server()}/api/v1/${path}?limit=1${query}`)
  const page = (await response.json()) as { items: { id: number }[] }
  return page.items[0]?.id ?? 0
}

for (const it of LOOKS) {
  test(`every page opens in ${it.locale}, ${it.theme}`, async ({ page }) => {
    test.setTimeout(240_000)
    await look(page, it)
    const execution = await first('executions', '&state=failed')
    const run = await first('job-runs', `&execution=${execution}&state=failed`)
    const details: typeof PAGES = [
      ['execution', `/execute/${execution}/`, 'tbody button'],
      ['execution-run', `/execute/${execution}/?job_run=${run}`, '.panel h1'],
      ['execution-gantt', `/execute/${execution}/?tab=gantt`, '.piece'],
      ['execution-flow-runs', `/execute/${execution}/?tab=flowRuns`, 'tbody a'],
      ['execution-history', `/execute/${execution}/?tab=history`, '[role=tabpanel] strong'],
      ['flow', `/interface/${await first('flows')}/`, 'tbody a'],
      ['flow-edit', `/interface/${await first('flows')}/edit/`, 'form'],
      ['job', `/job/${await first('jobs')}/`, 'dl dd'],
      ['job-edit', `/job/${await first('jobs')}/edit/`, 'form'],
      ['executor', `/base/exec/host/${await first('executors')}/`, '[role=meter]'],
    ]
    const folder = `${results()}/shots/${it.locale}-${it.theme}`
    mkdirSync(folder, { recursive: true })
    for (const [name, path, here] of [...PAGES, ...details]) {
      if (name === 'unknown') await page.goto(`${server()}/home/none/`)
      else await page.goto(server() + path)
      await expect(page.locator(here).first(), name).toBeVisible()
      await expect(page.locator('.skeleton'), name).toHaveCount(0)
      await page.screenshot({ path: `${folder}/${name}.png` })
      await test.step(`${name} keeps nobody out`, () => accessible(page))
    }
  })
}

test('a phone shows what runs, and its menu', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 800 })
  await look(page, { locale: 'zh-CN', theme: 'light' })
  await page.goto(`${server()}/execute/`)
  await expect(page.locator('tbody a').first()).toBeVisible()
  await page.getByRole('button', { name: '菜单' }).click()
  await page.getByRole('link', { name: '任务流', exact: true }).click()
  await expect(page).toHaveURL(/\/interface\/$/)
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth)
  expect(wide, 'the page is no wider than the phone').toBe(false)
})
