/** Stories of forms that are checked while somebody types, and of flows and jobs that are enabled and disabled from their lists. */
import type { Page } from '@playwright/test'
import { accessible, expect, look, LOOKS, server, test } from './fixture'

async function send<T = { id: number }>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${server()}/api/v1/${path}`, { method, headers: { 'content-type': 'application/json' }, ...(body ? { body: JSON.stringify(body) } : {}) })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}
interface Draft {
  kind: string
  put: Record<string, unknown>
}
/** Drafts that the page has sent for a check. */
async function checks(page: Page): Promise<() => Promise<Draft[]>> {
  await page.addInitScript(() => {
    const sent: unknown[] = []
    const { fetch } = window
    Object.assign(window, { hcndcSent: sent })
    window.fetch = async (request, init) => {
      if (request instanceof Request && request.url.endsWith('/drafts/check')) sent.push(await request.clone().json())
      return fetch(request, init)
    }
  })
  return () => page.evaluate(() => (window as unknown as { hcndcSent: Draft[] }).hcndcSent)
}
/** What stands below a field. */
const note = (page: Page, field: string) => page.locator(`#field-${field}-note`)

for (const it of LOOKS) {
  const say = (en: string, zh: string) => (it.locale === 'zh-CN' ? zh : en)

  test(`a form says what is wrong while one types, in ${it.locale}`, async ({ page }) => {
    const name = `typed-${it.locale}-${Date.now()}`
    await send('POST', 'flows', { name })
    await look(page, it)
    const sent = await checks(page)
    await page.goto(`${server()}/job/new/?flow=${name}`)
    const status = page.locator('form').getByRole('status')
    const label = page.locator('#field-name')
    const next = page.getByLabel(say('Description', '说明'))
    const before = (await next.boundingBox())!.y
    await label.pressSequentially('a/b ')
    await expect(note(page, 'name')).toHaveClass(/error/)
    await expect(label).toHaveAttribute('aria-invalid', 'true')
    await expect(status).toContainText(say('To put right: Name', '需要修正：名称'))
    // Nobody has come to the command yet, and what follows has not moved.
    await expect(note(page, 'command')).not.toHaveClass(/error/)
    expect((await next.boundingBox())!.y).toBeCloseTo(before, 0)
    await expect(label).toBeFocused()
    await accessible(page)

    await label.fill('load')
    await page.getByLabel(say('Command', '命令')).fill('echo loaded')
    await page.getByLabel(say('Timeout', '时限')).fill('soon')
    await expect(note(page, 'timeout')).toContainText(say('duration', '时长'))
    await expect(note(page, 'name')).not.toHaveClass(/error/)
    await page.getByLabel(say('Timeout', '时限')).fill('5m')
    await expect(status).toContainText(say('it can be saved', '可以保存'))
    await page.getByRole('button', { name: say('Create', '创建') }).click()
    await expect(page.locator('h1')).toContainText('load')
    const seen = await sent()
    expect(seen.every((draft) => draft.kind === 'jobs')).toBe(true)
    // One for each pause, not for each key.
    expect(seen.length).toBeLessThan(8)
  })
}

test('nothing is asked of a form that nobody has changed, a secret is never sent, and while offline nothing is', async ({ page, context }) => {
  await look(page, { locale: 'en', theme: 'light' })
  const sent = await checks(page)
  await page.goto(`${server()}/base/alert/new/`)
  await page.locator('form').waitFor()
  expect(await sent()).toEqual([])
  await page.locator('#field-name').fill('team')
  await expect.poll(async () => (await sent()).length).toBe(1)
  await page.locator('.field', { hasText: 'Kind' }).locator('.el-select').click()
  await page.getByRole('option', { name: 'Slack' }).click()
  // Its address may be in the settings or be the secret.
  await expect(note(page, 'settings')).toContainText('url')
  await page.getByLabel('Secret').fill('https://hooks.example/T/VERY-SECRET')
  await expect(page.locator('form').getByRole('status')).toContainText('it can be saved')
  const before = await sent()
  expect(JSON.stringify(before)).not.toContain('VERY-SECRET')

  await context.setOffline(true)
  await page.getByLabel('Description').fill('typed in a tunnel')
  await page.locator('#field-name').fill('team 2')
  await context.setOffline(false)
  await expect.poll(async () => (await sent()).length).toBe(before.length + 1)
  expect((await sent()).at(-1)?.put).toMatchObject({ name: 'team 2', description: 'typed in a tunnel' })
})

test('a circle of flows, and what somebody else has changed meanwhile, are told before saving', async ({ page }) => {
  const name = `round-${Date.now()}`
  const { id } = await send('POST', 'flows', { name })
  await send('POST', 'flows', { name: `${name}-child`, parents: [name] })
  await look(page, { locale: 'en', theme: 'light' })
  await page.goto(`${server()}/interface/${id}/edit/`)
  await page.locator('.field', { hasText: 'Parent flows' }).locator('.el-select').click()
  await page.keyboard.type(`${name}-child`)
  await page.getByRole('option', { name: `${name}-child` }).click()
  await page.keyboard.press('Escape')
  await expect(note(page, 'parents')).toContainText(`${name}-child`)
  await send('PATCH', `flows/${id}`, { owner: 'ann' })
  await page.getByLabel('Description').fill('mine')
  await expect(page.locator('form').getByRole('status')).toContainText('version')
})

for (const kind of ['flows', 'jobs'] as const) {
  test(`${kind} are disabled from their list, what is refused is told, and it is undone`, async ({ page }) => {
    const name = `bulk-${kind}-${Date.now()}`
    for (const i of [1, 2, 3]) await send('POST', 'flows', { name: `${name}-${i}` })
    if (kind === 'jobs') for (const i of [1, 2, 3]) await send('POST', 'jobs', { flow: `${name}-1`, name: `${name}-${i}`, command: 'true' })
    await look(page, kind === 'flows' ? { locale: 'en', theme: 'light' } : { locale: 'zh-CN', theme: 'dark' })
    const say = (en: string, zh: string) => (kind === 'jobs' ? zh : en)
    await page.goto(`${server()}${kind === 'flows' ? '/interface/' : '/job/'}?text=${name}`)
    await expect(page.locator('tbody tr')).toHaveCount(3)
    // One of them refuses.
    const [refused] = (await send<{ items: { id: number }[] }>('GET', `${kind}?text=${name}&sort=name`)).items
    await page.route(`**/api/v1/${kind}/${refused!.id}`, (route) =>
      route.request().method() === 'PATCH'
        ? route.fulfill({ status: 403, contentType: 'application/problem+json', body: JSON.stringify({ code: 'forbidden', title: 'Not allowed', status: 403, detail: 'only in /retail', faults: [] }) })
        : route.continue(),
    )
    await page.getByLabel(say('Select all on this page', '选择本页全部')).check()
    await page.getByRole('button', { name: say('Disable', '停用'), exact: true }).click()
    const dialog = page.getByRole('dialog')
    await expect(dialog).toContainText(`${name}-2`)
    await expect(dialog).toContainText(kind === 'flows' ? 'No run starts with these 3 flows' : '这 3 个任务时会跳过')
    await accessible(page)
    await dialog.getByRole('button', { name: say('Disable', '停用') }).click()
    const notice = page.getByRole('status').filter({ hasText: say('Disabled: 2.', '已停用 2 项。') })
    await expect(notice).toContainText('only in /retail')
    await accessible(page)
    const enabled = async () => (await send<{ items: { enabled: boolean }[] }>('GET', `${kind}?text=${name}&sort=name`)).items.map((row) => row.enabled)
    expect(await enabled()).toEqual([true, false, false])
    await notice.getByRole('button', { name: say('Undo', '撤销') }).click()
    await expect(page.getByText(say('Put back: 2.', '已恢复 2 项。'))).toBeVisible()
    expect(await enabled()).toEqual([true, true, true])
  })
}
