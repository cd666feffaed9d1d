/** Stories of alerts: a rule that escalates, what it tells of, and who takes care of it. */
import { accessible, expect, look, LOOKS, results, server, test } from './fixture'

async function send<T = { id: number }>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${server()}/api/v1/${path}`, { method, headers: { 'content-type': 'application/json' }, ...(body ? { body: JSON.stringify(body) } : {}) })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}

interface Told {
  items: { id: number; event: string; acknowledged_at: string | null }[]
}

for (const it of LOOKS) {
  const say = (en: string, zh: string) => (it.locale === 'zh-CN' ? zh : en)

  test(`a failure is told, acknowledged and escalated no more, in ${it.locale}`, async ({ page }) => {
    const name = `told-${it.locale}-${Date.now()}`
    await send('POST', 'alert-channels', { name: `${name}-boss`, kind: 'webhook', settings: { url: 'http://127.0.0.1:1/' } })
    await send('POST', 'flows', { name })
    await send('POST', 'jobs', { flow: name, name: 'load', command: 'exit 3' })
    await look(page, it)

    // The rule is made in its form.
    await page.goto(`${server()}/dispatch/alert/new/`)
    await page.locator('#field-name').fill(name)
    const escalation = page.locator('.field', { hasText: say('Escalation', '升级') })
    await escalation.getByRole('combobox').fill(name)
    await page.getByRole('option', { name: `${name}-boss` }).click()
    await expect(escalation.locator('input').first()).toHaveValue('30m')
    await page.keyboard.press('Escape')
    await escalation.locator('input').first().fill('10s')
    await expect(page.locator('#field-escalation-note')).toContainText(say('1m', '1m'))
    await escalation.locator('input').first().fill('45m')
    await accessible(page)
    await page.getByRole('button', { name: say('Create', '创建'), exact: true }).click()
    await expect(page.locator('h1')).toContainText(name)
    await expect(page.locator('main')).toContainText(`45m → ${name}-boss`)

    // Its schedule runs twice, and fails twice.
    const schedule = await send('POST', 'schedules', { name, flow: name, trigger: '0 2 * * *', paused: true, alerts: [name] })
    for (let run = 0; run < 2; run++) await send('POST', `schedules/${schedule.id}/run`, {})
    const told = () => send<Told>('GET', `alerts?schedule=${schedule.id}`)
    await expect.poll(async () => (await told()).items.length).toBe(2)

    await page.goto(`${server()}/alert/?schedule=${schedule.id}`)
    const rows = page.locator('tbody tr')
    await expect(rows).toHaveCount(2)
    await expect(rows.first()).toContainText(say('an execution failed', '执行失败'))
    await expect(rows.first()).toContainText(name)
    await expect(rows.first()).toContainText(say('escalates', '升级'))
    await accessible(page)
    await page.screenshot({ path: `${results()}/alerts-${it.locale}.png` })
    await rows.first().getByRole('button', { name: say('Acknowledge', '确认') }).click()
    await expect(rows.first()).toContainText(say('Acknowledged', '已确认'))
    await expect(rows.first().getByRole('button', { name: say('Acknowledge', '确认') })).toHaveCount(0)

    // The overview leads to the other one, which is taken with all that are chosen.
    await page.goto(`${server()}/home/`)
    const card = page.locator('.card', { hasText: say('Alerts not acknowledged', '未确认的预警') })
    await expect(card).toContainText(name)
    await page.goto(`${server()}/alert/?schedule=${schedule.id}&acknowledged=false`)
    await expect(rows).toHaveCount(1)
    await page.getByRole('checkbox', { name: say('Select all on this page', '选择本页全部') }).check()
    await page.locator('.tools').getByRole('button', { name: say('Acknowledge', '确认') }).click()
    await expect(page.getByText(say('Nothing matches these filters', '没有符合条件的内容')).first()).toBeVisible()
    expect((await told()).items.every((alert) => alert.acknowledged_at)).toBe(true)

    // A row leads to what it is about.
    await page.goto(`${server()}/alert/?schedule=${schedule.id}`)
    await rows.first().getByRole('link', { name, exact: true }).first().click()
    await expect(page).toHaveURL(/\/execute\/\d+\//)
  })
}
