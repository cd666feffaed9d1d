/** Stories of people who may do different things, on a server of their own. */
import type { Page } from '@playwright/test'
import { accessible, expect, look, LOOKS, test } from './fixture'
import { servePeople, type Private } from './private'
import { through } from './through'

const SECRET = 'a-long-password-of-mine'

async function signIn(page: Page, address: string, account: string, password: string, words: { account: string; password: string; submit: string }): Promise<void> {
  await page.goto(`${address}/login/`)
  await page.getByLabel(words.account).fill(account)
  await page.getByLabel(words.password).fill(password)
  await page.getByRole('button', { name: words.submit }).click()
}
const EN = { account: 'Account', password: 'Password', submit: 'Sign in' }
const ZH = { account: '账号', password: '密码', submit: '登录' }

async function choosePassword(page: Page, old: string): Promise<void> {
  await page.locator('#password-old').fill(old)
  await page.locator('#password-new').fill(SECRET)
  await page.locator('#password-repeat').fill(SECRET)
  await page.locator('form button[type=submit]').click()
  await expect(page).toHaveURL(/\/home\/$/)
}

/** Answers that refuse what the page asked for. */
function refusals(page: Page): string[] {
  const told: string[] = []
  page.on('response', (response) => {
    if (response.status() >= 400 && response.url().includes('/api/')) told.push(`${response.status()} ${response.request().method()} ${response.url()}`)
  })
  return told
}

let site: Private
test.beforeEach(async () => {
  site = await servePeople()
})
test.afterEach(() => site.stop())

test('the first administrator, a role, a user, and one who only looks after schedules', async ({ page, browser }) => {
  test.slow()
  const { address } = site
  await look(page, { locale: 'en', theme: 'light' })
  await signIn(page, address, 'admin', site.password, EN)
  await expect(page.getByText('The password you were given works once')).toBeVisible()
  await accessible(page)
  await choosePassword(page, site.password)

  await page.goto(`${address}/user/role/new/`)
  await page.locator('#field-name').fill('nights')
  await page.locator('.field', { hasText: 'Permissions' }).locator('.el-select').click()
  await page.getByRole('option', { name: /^schedule:/ }).click()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Create' }).click()
  await expect(page.locator('h1')).toContainText('nights')
  await expect(page.locator('dl')).toContainText('schedule')

  await page.goto(`${address}/user/new/`)
  await page.locator('#field-account').fill('bob')
  await page.locator('.field', { hasText: 'Roles' }).locator('.el-select').click()
  await page.getByRole('option', { name: 'nights' }).click()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Create' }).click()
  const once = page.getByRole('dialog')
  await expect(once).toContainText('Shown once')
  const password = (await once.locator('.el-message-box__message').innerText()).trim()
  await page.getByRole('button', { name: 'I have kept it' }).click()
  await expect(page.locator('h1')).toContainText('bob')

  const csrf = await page.evaluate(async () => ((await (await fetch('/api/v1/session')).json()) as { csrf: string }).csrf)
  const post = async (path: string, data: unknown) => {
    const response = await page.request.post(`${address}/api/v1/${path}`, { data, headers: { 'x-csrf-token': csrf } })
    expect(response.status(), await response.text()).toBe(201)
    return (await response.json()) as { id: number }
  }
  const flow = await post('flows', { name: 'night' })
  const job = await post('jobs', { flow: 'night', name: 'load', command: 'true' })
  const schedule = await post('schedules', { name: 'nightly', flow: 'night', trigger: { cron: '30 2 * * *' }, zone: 'Asia/Shanghai' })

  const context = await browser.newContext()
  try {
    const theirs = await context.newPage()
    await look(theirs, { locale: 'zh-CN', theme: 'dark' })
    await signIn(theirs, address, 'bob', password, ZH)
    await choosePassword(theirs, password)
    const refused = refusals(theirs)
    const menu = theirs.getByRole('navigation')
    await expect(menu.getByRole('link', { name: '调度', exact: true })).toBeVisible()
    await expect(menu.getByRole('link', { name: '用户' })).toHaveCount(0)
    await expect(menu.getByRole('link', { name: '审计' })).toHaveCount(0)
    const addresses = await menu.getByRole('link').evaluateAll((links) => links.map((it) => (it as HTMLAnchorElement).pathname))
    const details = [`/interface/${flow.id}/`, `/interface/${flow.id}/graph/`, `/job/${job.id}/`, `/dispatch/${schedule.id}/`]
    expect(addresses.length).toBeGreaterThan(15)
    for (const it of [...addresses, ...details]) {
      await theirs.goto(address + it)
      await expect(theirs.locator('main h1').first()).toBeVisible()
      await expect(theirs.locator('.skeleton')).toHaveCount(0)
      // Nothing is offered that would be refused.
      await expect(theirs.getByRole('button', { name: '批量上传' })).toHaveCount(0)
      if (it !== '/token/' && it !== '/backfill/') await expect(theirs.getByRole('button', { name: /^新建/ }), it).toHaveCount(0)
      await expect(theirs.getByRole('button', { name: '删除' }), it).toHaveCount(0)
    }
    expect(refused, 'what these pages asked for').toEqual([])

    await theirs.goto(`${address}/dispatch/${schedule.id}/`)
    await theirs.getByRole('button', { name: '暂停' }).click()
    await expect(theirs.locator('main').getByText('已暂停').first()).toBeVisible()
    for (const it of [`/interface/${flow.id}/edit/`, '/interface/new/', '/user/', '/audit/', '/dispatch/new/', '/interface/upload/']) {
      await theirs.goto(address + it)
      await expect(theirs.getByRole('alert'), it).toContainText('权限')
      await expect(theirs.locator('form'), it).toHaveCount(0)
    }
    await accessible(theirs)
  } finally {
    await context.close()
  }
})

test('a token is made, shown once, changed and ended', async ({ page }) => {
  const { address } = site
  await look(page, { locale: 'en', theme: 'dark' })
  await signIn(page, address, 'admin', site.password, EN)
  await choosePassword(page, site.password)
  await page.goto(`${address}/token/new/`)
  await page.locator('#field-name').fill('nightly import')
  await page.getByRole('button', { name: 'Create' }).click()
  const once = page.getByRole('dialog')
  await expect(once).toContainText('hcndc_')
  const token = (await once.locator('.el-message-box__message').innerText()).trim()
  await page.getByRole('button', { name: 'I have kept it' }).click()
  await expect(page.locator('h1')).toContainText('nightly import')
  const asks = async () => (await page.request.get(`${address}/api/v1/users`, { headers: { authorization: `Bearer ${token}`, cookie: '' } })).status()
  expect(await asks()).toBe(403)

  await page.getByRole('button', { name: 'Edit' }).click()
  await page.locator('#field-name').fill('reads users')
  await page.locator('.field', { hasText: 'Permissions' }).locator('.el-select').click()
  await page.getByRole('option', { name: /^admin:/ }).click()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.locator('h1')).toContainText('reads users')
  expect(await asks()).toBe(200)
  await page.getByRole('tab', { name: 'History' }).click()
  await expect(page.locator('.entries li')).toHaveCount(2)

  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expect(page).toHaveURL(/\/token\/$/)
  expect(await asks()).toBe(401)
})

for (const it of LOOKS) {
  test(`users, roles and tokens are made, changed and deleted, and written down, in ${it.locale}, ${it.theme}`, async ({ page }) => {
    test.slow()
    const { address } = site
    const zh = it.locale === 'zh-CN'
    await look(page, it)
    await signIn(page, address, 'admin', site.password, zh ? ZH : EN)
    await choosePassword(page, site.password)
    for (const [list, field, name] of [['/user/role/', 'name', 'nights'], ['/user/', 'account', 'bob'], ['/token/', 'name', 'nightly-import']] as const) {
      await through(page, address + list, it, field, name)
      await accessible(page)
    }
    await page.goto(`${address}/audit/`)
    await expect(page.locator('tbody tr').filter({ hasText: 'nightly-import-2' }).first()).toBeVisible()
    await accessible(page)
  })
}

test('a form outlives the end of its session', async ({ page, context }) => {
  const { address } = site
  await look(page, { locale: 'en', theme: 'light' })
  await signIn(page, address, 'admin', site.password, EN)
  await choosePassword(page, site.password)
  await page.goto(`${address}/interface/new/`)
  await page.locator('#field-name').fill('night')
  await page.locator('#field-description').fill('what took long to write')
  await context.clearCookies()
  await page.getByRole('button', { name: 'Create', exact: true }).click()
  const again = page.getByRole('dialog')
  await expect(again).toContainText('Your session has ended')
  await expect(page.locator('#field-description')).toHaveValue('what took long to write')
  await again.getByLabel(EN.account).fill('admin')
  await again.getByLabel(EN.password).fill(SECRET)
  await again.getByRole('button', { name: EN.submit }).click()
  await expect(page.locator('h1')).toContainText('night')
  await expect(page.locator('main')).toContainText('what took long to write')
})
