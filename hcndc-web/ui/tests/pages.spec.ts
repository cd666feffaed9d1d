import { mkdirSync } from 'node:fs'
import { accessible, expect, look, LOOKS, results, server, test } from './fixture'

// They only look, so whoever is free takes the next one.
test.describe.configure({ mode: 'parallel' })

const PAGES: [name: string, path: string, here: string][] = [
  ['home', '/home/', 'h1'],
  ['executions', '/execute/', 'tbody a'],
  ['grid', '/execute/grid/?to=2026-11-22', 'tbody td a'],
  ['alerts', '/alert/', 'h1'],
  ['backfills', '/backfill/', 'h1'],
  ['backfill-new', '/backfill/new/', 'form'],
  ['forecast', '/forecast/', '.figures'],
  ['audit', '/audit/', 'tbody td'],
  ['flows', '/interface/', 'tbody a'],
  ['flow-new', '/interface/new/', 'form'],
  ['flow-upload', '/interface/upload/', '.drop'],
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
  ['webhooks', '/hook/', 'h1'],
  ['webhook-new', '/hook/new/', 'form'],
  ['calendars', '/calendar/', 'h1'],
  ['calendar-new', '/calendar/new/', 'form'],
  ['pools', '/pool/', 'h1'],
  ['pool-new', '/pool/new/', 'form'],
  ['mesh', '/interface/graph/', 'h1'],
  ['unknown', '/home/none/', 'h1'],
]

/** Details are found by what the lists hold, for ids differ. */
async function first(path: string, query = ''): Promise<number> {
  const response = await fetch(`${server()}/api/v1/${path}?limit=1${query}`)
  const page = (await response.json()) as { items: { id: number }[] }
  return page.items[0]?.id ?? 0
}
const failed = () => first('executions', '&state=failed')
const DETAILS: [name: string, path: () => Promise<string>, here: string][] = [
  ['execution', async () => `/execute/${await failed()}/`, 'tbody button'],
  ['execution-run', async () => `/execute/${await failed()}/?job_run=${await first('job-runs', `&execution=${await failed()}&state=failed`)}`, '.panel h1'],
  ['execution-topology', async () => `/execute/${await failed()}/?tab=topology`, '[role=tabpanel] :is(canvas, strong)'],
  ['execution-gantt', async () => `/execute/${await failed()}/?tab=gantt`, '.piece'],
  ['execution-flow-runs', async () => `/execute/${await failed()}/?tab=flowRuns`, 'tbody a'],
  ['execution-history', async () => `/execute/${await failed()}/?tab=history`, '[role=tabpanel] strong'],
  ['backfill', async () => `/backfill/${await first('backfills')}/`, '.day'],
  ['flow', async () => `/interface/${await first('flows')}/`, 'tbody a'],
  ['flow-history', async () => `/interface/${await first('flows')}/?tab=history`, '.entries li'],
  ['flow-graph', async () => `/interface/${await first('flows')}/graph/`, 'aside .jobs button'],
  ['flow-edit', async () => `/interface/${await first('flows')}/edit/`, 'form'],
  ['job', async () => `/job/${await first('jobs')}/`, 'dl dd'],
  ['job-edit', async () => `/job/${await first('jobs')}/edit/`, 'form'],
  ['executor', async () => `/base/exec/host/${await first('executors')}/`, '[role=meter]'],
]
const ALL = [...PAGES.map(([name, path, here]) => [name, async () => path, here] as (typeof DETAILS)[number]), ...DETAILS]

for (const it of LOOKS) {
  for (const [name, path, here] of ALL) {
    test(`${name} opens in ${it.locale}, ${it.theme}`, async ({ page }) => {
      await look(page, it)
      await page.goto(server() + (await path()))
      await expect(page.locator(here).first()).toBeVisible()
      await expect(page.locator('.skeleton')).toHaveCount(0)
      const folder = `${results()}/shots/${it.locale}-${it.theme}`
      mkdirSync(folder, { recursive: true })
      await page.screenshot({ path: `${folder}/${name}.png` })
      await accessible(page)
    })
  }
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

test('times are shown in another zone once it is chosen', async ({ page }) => {
  await look(page, { locale: 'en', theme: 'light' })
  await page.goto(`${server()}/home/`)
  await page.getByRole('button', { name: 'Time zone: Asia/Shanghai' }).click()
  await page.getByRole('combobox', { name: 'Time zone' }).fill('tok')
  await page.getByRole('option', { name: 'Asia/Tokyo' }).click()
  await expect(page.getByRole('button', { name: 'Time zone: Asia/Tokyo' })).toBeFocused()
  expect(await page.evaluate(() => localStorage.getItem('hcndc.prefs')), 'it is remembered').toContain('Asia/Tokyo')
})

test.describe('a page whose code does not come', () => {
  const ASSETS = '**/assets/*'

  test('is told of while the server is away, and comes when it is tried again', async ({ page }) => {
    await look(page, { locale: 'en', theme: 'light' })
    await page.goto(`${server()}/audit/`)
    await expect(page.locator('tbody td').first()).toBeVisible()
    await page.route(/assets|healthz/, (route) => route.abort())
    await page.getByRole('link', { name: 'Mesh of flows' }).click()
    const told = page.getByRole('alert').filter({ hasText: 'This page could not be loaded' })
    await expect(told).toBeVisible()
    await expect(page.locator('tbody td').first()).toBeVisible()
    await accessible(page)
    await page.unroute(/assets|healthz/)
    await told.getByRole('button', { name: 'Try again' }).click()
    await expect(page).toHaveURL(/\/interface\/graph\/$/)
    await expect(page.locator('h1')).toContainText('Mesh of flows')
    await expect(told).toHaveCount(0)
  })

  test('comes with the app as it is now, once the server was upgraded', async ({ page }) => {
    await look(page, { locale: 'en', theme: 'light' })
    await page.goto(`${server()}/audit/`)
    await expect(page.locator('tbody td').first()).toBeVisible()
    // The files of the window that is open are no more.
    await page.route(ASSETS, (route) => route.fulfill({ status: 404 }))
    await page.route('**/interface/graph/', async (route) => {
      await page.unroute(ASSETS)
      await route.continue()
    })
    await page.getByRole('link', { name: 'Mesh of flows' }).click()
    await expect(page.locator('h1')).toContainText('Mesh of flows')
  })

  test('is told of when only a part of it does not come', async ({ page }) => {
    await look(page, { locale: 'zh-CN', theme: 'dark' })
    await page.route(/assets.FlowParts/, (route) => route.abort())
    await page.goto(`${server()}/interface/${await first('flows')}/`)
    const told = page.getByRole('alert').filter({ hasText: '无法载入此页面' })
    await expect(told).toBeVisible()
    await expect(page.locator('h1')).toContainText('extract')
    await page.unroute(/assets.FlowParts/)
    await told.getByRole('button', { name: '重试' }).click()
    await expect(page.locator('tbody a').first()).toBeVisible()
    await expect(told).toHaveCount(0)
  })
})
