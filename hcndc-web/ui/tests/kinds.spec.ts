/** Each kind of thing that people define is made, changed and deleted on its pages, in each language and theme. */
import type { Page } from '@playwright/test'
import { look, LOOKS, server, test } from './fixture'
import { through } from './through'

async function send(path: string, body: unknown): Promise<void> {
  const response = await fetch(`${server()}/api/v1/${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${await response.text()}`)
}
const fill = (page: Page, field: string, text: string) => page.locator(`#field-${field}`).fill(text)
/** Takes an option of a list. */
async function choose(page: Page, field: string, option: string | RegExp): Promise<void> {
  await page.locator('.field', { has: page.locator(`#field-${field}`) }).locator('.el-select').click()
  // Lists of what there is are searched.
  if (typeof option === 'string') await page.keyboard.type(option)
  await page.getByRole('option', { name: option }).first().click()
  await page.keyboard.press('Escape')
}

/** What a kind needs besides a name; `base` is the name of a flow and of a file server that are there. */
const KINDS: [page: string, needs: (page: Page, base: string) => Promise<void>][] = [
  ['/interface/', async () => {}],
  ['/job/', async (page, base) => {
    await choose(page, 'flow', base)
    await page.getByRole('textbox', { name: /^(Command|命令)$/ }).fill('true')
  }],
  ['/base/exec/host/', async (page) => fill(page, 'address', '127.0.0.1:9')],
  ['/pool/', async () => {}],
  ['/calendar/', async () => {}],
  ['/dispatch/', async (page, base) => choose(page, 'flow', base)],
  ['/dispatch/alert/', async () => {}],
  ['/base/alert/', async (page) => {
    await choose(page, 'kind', /Slack/)
    await fill(page, 'secret', 'https://hooks.slack.com/services/x')
  }],
  ['/params/', async () => {}],
  ['/datasource/', async (page) => fill(page, 'host', 'dw.example.com')],
  ['/ftp/', async (page) => choose(page, 'kind', /^local$/)],
  ['/ftp/event/', async (page, base) => {
    await choose(page, 'server', base)
    await fill(page, 'path', '/in/*.csv')
  }],
  ['/hook/', async (page, base) => {
    await choose(page, 'flows', base)
    await fill(page, 'secret', 'a-secret-of-a-webhook')
  }],
]

for (const it of LOOKS) {
  for (const [address, needs] of KINDS) {
    test(`${address}: made, changed and deleted in ${it.locale}, ${it.theme}`, async ({ page }) => {
      const base = `base-${Date.now()}`
      await send('flows', { name: base })
      await send('file-servers', { name: base, kind: 'local' })
      await look(page, it)
      await through(page, server() + address, it, 'name', `made-${base}`, () => needs(page, base))
    })
  }
}
