import { accessible, expect, look, server, test } from './fixture'

async function post(path: string, body: unknown): Promise<{ id: number }> {
  const response = await fetch(`${server()}/api/v1/${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  return (await response.json()) as { id: number }
}

test('in the morning: what failed, why, the command put right, resumed, green', async ({ page }) => {
  const name = `night-${Date.now()}`
  await post('flows', { name })
  await post('jobs', { flow: name, name: 'fetch', command: 'echo fetched' })
  await post('jobs', { flow: name, name: 'load', command: 'echo table dw.orders does not exist >&2; exit 3', depends_on: ['fetch'] })
  await post('jobs', { flow: name, name: 'report', command: 'echo written', depends_on: ['load'] })
  const { id } = await post('executions', { flow: name })

  await look(page, { locale: 'en', theme: 'light' })
  await page.goto(`${server()}/home/`)
  const failed = page.locator('.failed', { hasText: `${name}/load` })
  await expect(failed).toContainText('table dw.orders does not exist')
  await failed.getByRole('button', { name: 'Fix the job' }).click()

  const command = page.getByLabel('Command')
  await expect(command).toHaveValue(/exit 3/)
  await command.fill('echo loaded')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.locator('dl')).toContainText('echo loaded')

  await page.goto(`${server()}/execute/${id}/`)
  await page.getByRole('button', { name: 'Resume' }).first().click()
  const dialog = page.getByRole('dialog')
  await expect(dialog).toContainText('What succeeded is not run again')
  await dialog.getByRole('button', { name: 'Resume' }).click()
  await expect(page.locator('h1 + .tag')).toHaveText('Succeeded')
  await expect(page.locator('tbody tr')).toHaveCount(3)

  await page.getByRole('button', { name: 'load', exact: true }).click()
  await expect(page.locator('[role=log]')).toContainText('loaded')
  await expect(page.locator('.attempts button')).toHaveCount(2)
})

test('a long job is followed live, and killed', async ({ page }) => {
  const name = `long-${Date.now()}`
  await post('flows', { name })
  await post('jobs', { flow: name, name: 'wait', command: 'echo begun; exec sleep 600' })
  const { id } = await post('executions', { flow: name })
  await look(page, { locale: 'zh-CN', theme: 'dark' })
  await page.goto(`${server()}/execute/${id}/`)
  await page.getByRole('button', { name: 'wait', exact: true }).click()
  await expect(page.locator('[role=log]')).toContainText('begun')
  await page.getByRole('button', { name: '终止' }).click()
  await expect(page.getByRole('dialog').last()).toContainText('不再重试')
  await page.getByRole('dialog').last().getByRole('button', { name: '终止' }).click()
  await expect(page.locator('h1 + .tag')).toHaveText('失败')
})

test('a flow is made, refused, put right, run and deleted', async ({ page }) => {
  const name = `made-${Date.now()}`
  await look(page, { locale: 'en', theme: 'dark' })
  await page.goto(`${server()}/interface/new/`)
  await page.getByLabel('Name').fill(name)
  await page.getByText('More settings').click()
  await page.getByLabel('Timeout').fill('soon')
  await page.getByRole('button', { name: 'Create' }).click()
  await expect(page.locator('.field', { hasText: 'Timeout' }).locator('.note')).toContainText('expected a duration')
  await expect(page.getByRole('alert')).toContainText('expected a duration')
  await page.getByLabel('Timeout').fill('1h30m')
  await page.getByRole('button', { name: 'Create' }).click()
  await expect(page.locator('h1')).toHaveText(name)
  await page.getByRole('button', { name: 'Run now' }).click()
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await expect(page.locator('h1 + .tag')).toHaveText('Succeeded')
  await page.goBack()
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expect(page).toHaveURL(/\/interface\/$/)
  await page.getByRole('textbox', { name: 'Search' }).fill(name)
  await expect(page.getByText('Nothing matches these filters')).toBeVisible()
})

for (const [locale, theme] of [['en', 'light'], ['zh-CN', 'dark']] as const) {
  const say = (en: string, zh: string) => (locale === 'en' ? en : zh)
  test(`a flow is run with dates in a format of its own, ${locale}`, async ({ page }) => {
    const name = `format-${locale}-${Date.now()}`
    const flow = await post('flows', { name })
    await post('jobs', { flow: name, name: 'load', command: 'echo "day ${date}, year ${date:%Y}, $HCNDC_DATE"' })
    await look(page, { locale, theme })
    await page.goto(`${server()}/interface/${flow.id}/`)
    await page.getByRole('button', { name: say('Run now', '立即运行') }).click()
    const dialog = page.getByRole('dialog')
    const format = dialog.getByLabel(say('Date format', '日期格式'))
    await dialog.getByLabel(say('Data date', '数据日期')).fill('2026-11-21')
    await page.keyboard.press('Enter')
    await format.fill('%H:%M')
    await expect(dialog.getByRole('alert')).toContainText(say('no form of a date', '不是日期格式'))
    await format.fill('%Y%m%d')
    await expect(dialog).toContainText(say('2026-11-21 is written 20261121', '2026-11-21 写作 20261121'))
    await accessible(page)
    await dialog.getByRole('button', { name: say('Run', '运行'), exact: true }).click()
    await expect(page.locator('h1 + .tag')).toHaveText(say('Succeeded', '成功'))
    await expect(page.locator('.facts-line')).toContainText('%Y%m%d')
    await page.getByRole('button', { name: 'load', exact: true }).click()
    await expect(page.locator('[role=log]')).toContainText('day 20261121, year 2026, 2026-11-21')
  })
}

test('a form that was changed is not left without a word', async ({ page }) => {
  await look(page, { locale: 'en', theme: 'light' })
  await page.goto(`${server()}/pool/new/`)
  await page.getByLabel('Name').fill('warehouse')
  await page.getByRole('link', { name: 'Overview' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Stay' }).click()
  await expect(page.getByLabel('Name')).toHaveValue('warehouse')
})

test('missed dates are run again: planned, started, watched and seen by date', async ({ page }) => {
  const name = `month-${Date.now()}`
  await post('flows', { name })
  await post('jobs', { flow: name, name: 'load', command: 'test "$HCNDC_DATE" != 2026-10-30' })
  await look(page, { locale: 'en', theme: 'light' })
  await page.goto(`${server()}/backfill/new/?flow=${name}`)
  await page.getByLabel('First date').fill('2026-11-02')
  await page.getByLabel('Last date').fill('2026-10-29')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('alert')).toContainText('2026-10-29')
  await page.getByLabel('First date').fill('2026-10-29')
  await page.keyboard.press('Enter')
  await page.getByLabel('Last date').fill('2026-11-02')
  await page.keyboard.press('Enter')
  await expect(page.locator('dl')).toContainText('2026-10-29 – 2026-11-02')
  await page.getByLabel('Dates at once').fill('5')
  await page.keyboard.press('Tab')
  await page.getByRole('button', { name: 'Start' }).click()
  await expect(page.getByRole('dialog')).toContainText('5 executions for 2026-10-29 to 2026-11-02')
  await page.getByRole('dialog').getByRole('button', { name: 'Start' }).click()
  await expect(page.locator('h1 + .tag')).toHaveText('Failed')
  await expect(page.locator('.day.s-succeeded')).toHaveCount(4)
  await expect(page.locator('.day.s-failed')).toHaveText('30')
  await expect(page.getByRole('button', { name: 'Go on' })).toBeVisible()

  await page.goto(`${server()}/execute/grid/?text=${name}&to=2026-11-02&days=7`)
  await expect(page.locator('td a')).toHaveCount(5)
  await page.locator('td a.s-failed').click()
  await expect(page.locator('h1 + .tag')).toHaveText('Failed')
})

test('the coming night is foreseen', async ({ page }) => {
  const name = `night-ahead-${Date.now()}`
  await post('flows', { name })
  await post('jobs', { flow: name, name: 'load', command: 'true', expected: '20m' })
  await post('schedules', { name, flow: name, trigger: '0 */2 * * *', zone: 'UTC' })
  await look(page, { locale: 'en', theme: 'light' })
  await page.goto(`${server()}/forecast/`)
  const lane = page.locator('.lane', { hasText: name })
  await expect(lane.locator('.ran')).toHaveCount(12)
  await page.getByText('12 hours').click()
  await expect(lane.locator('.ran')).toHaveCount(6)
})

test('flows come by a sheet: refused with all faults, put right, looked at, written', async ({ page }) => {
  const name = `sheet-${Date.now()}`
  await look(page, { locale: 'en', theme: 'light' })
  await page.goto(`${server()}/interface/`)
  await page.getByRole('button', { name: 'Upload' }).click()
  const header = 'number,flow name,flow directory,retries,depends on numbers'
  const upload = async (rows: string[]) => {
    const buffer = Buffer.from([header, ...rows, ''].join('\n'))
    await page.locator('input[type=file]').setInputFiles({ name: 'flows.csv', mimeType: 'text/csv', buffer })
  }
  await upload([`1,${name},/retail,many,`, `2,${name}-after,/retail,,7`])
  await expect(page.getByRole('alert')).toContainText('D2')
  await expect(page.getByRole('alert')).toContainText('E3')
  await upload([`1,${name},/retail,1,`, `2,${name}-after,/retail,,1`])
  await expect(page.locator('tbody tr')).toHaveCount(2)
  await page.getByRole('button', { name: 'Write' }).click()
  await expect(page.getByRole('dialog')).toContainText('Makes 2 and changes 0')
  await page.getByRole('dialog').getByRole('button', { name: 'Write' }).click()
  await expect(page).toHaveURL(/\/interface\/$/)
  await page.getByRole('textbox', { name: 'Search' }).fill(name)
  await expect(page.locator('tbody tr')).toHaveCount(2)
})

test('an executor is tested from its page', async ({ page }) => {
  await look(page, { locale: 'en', theme: 'light' })
  await page.goto(`${server()}/base/exec/host/`)
  await page.locator('tbody a').first().click()
  await page.getByRole('button', { name: 'Test now' }).click()
  await expect(page.getByText('It works')).toBeVisible()
})

test('what one job puts out another takes, and the page shows it', async ({ page }) => {
  const name = `outputs-${Date.now()}`
  await post('flows', { name })
  await post('jobs', { flow: name, name: 'count', command: 'echo "::set-output rows=1204"' })
  const { id: job } = await post('jobs', { flow: name, name: 'load', command: 'echo loads', depends_on: ['count'] })

  await look(page, { locale: 'en', theme: 'light' })
  await page.goto(`${server()}/job/${job}/edit/`)
  const params = page.getByRole('group', { name: 'Params' })
  await params.getByRole('button', { name: 'Add a line' }).click()
  await params.getByLabel('Name', { exact: true }).fill('n')
  await params.getByLabel('Where from n').click({ force: true })
  await page.getByRole('option', { name: 'output of a job' }).click()
  await params.getByLabel('output of n').click({ force: true })
  await page.getByRole('option', { name: 'count', exact: true }).click()
  await params.getByLabel('name of the output n').fill('rows')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.locator('dl')).toContainText('output of count (rows)')

  const { id } = await post('executions', { flow: name })
  await page.goto(`${server()}/execute/${id}/`)
  await expect(page.locator('h1 + .tag')).toHaveText('Succeeded')
  await page.getByRole('button', { name: 'load', exact: true }).click()
  await expect(page.locator('[role=log]')).toContainText('loads 1204')
  await page.getByText('Params and outputs').click()
  await expect(page.locator('.values')).toContainText('output of count (rows)')
  await expect(page.locator('.values')).toContainText('Nothing was put out')
  await page.getByRole('button', { name: 'Close' }).click()
  await page.getByRole('button', { name: 'count', exact: true }).click()
  await expect(page.locator('.values .outputs')).toContainText('rows')
  await expect(page.locator('.values .outputs').getByRole('button')).toHaveText('1204')
})
