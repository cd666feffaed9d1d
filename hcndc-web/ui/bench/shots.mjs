/**
 * The pictures of the README, in both languages, of the retail example: `.ci/ui shots FOLDER` writes them to docs/img.
 */
import { chromium } from '@playwright/test'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'

const program = process.env.HCNDC_BIN ?? path.resolve('../../target/debug/hcndc')
const pictures = process.env.HCNDC_SHOTS ?? path.resolve('../../docs/img')
const DATES = 12
const SIZE = { width: 1180, height: 720 }

const folder = mkdtempSync(path.join(tmpdir(), 'hcndc-shots-'))
const server = spawn(program, ['demo', '--data-dir', folder, '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, HCNDC_LANG: 'en' } })
const ended = new Promise((resolve) => server.once('exit', resolve))
const address = await new Promise((resolve, reject) => {
  server.once('exit', (code) => reject(new Error(`${program} ended with ${code} before it served`)))
  createInterface({ input: server.stdout }).on('line', (line) => {
    const found = /http:\/\/[\d.:]+/.exec(line)
    if (found) resolve(found[0])
  })
})

async function ask(method, at, body) {
  const response = await fetch(`${address}/api/v1/${at}`, { method, headers: { 'content-type': 'application/json' }, ...(body ? { body: JSON.stringify(body) } : {}) })
  if (!response.ok) throw new Error(`${method} ${at}: ${response.status} ${await response.text()}`)
  return response.json()
}
async function over() {
  for (;;) {
    const { items } = await ask('GET', 'executions?state=running&limit=1')
    if (!items.length) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}
const before = (days) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10)

/** Some nights that went well, and one on which a table was missing. */
async function nights() {
  const flows = (await ask('GET', 'flows?limit=1000')).items.map((it) => it.name)
  while (!(await ask('GET', 'executions?limit=1')).items.length) await new Promise((resolve) => setTimeout(resolve, 100))
  await over()
  for (let i = DATES; i > 1; i -= 1) {
    await ask('POST', 'executions', { flows, data_date: before(i) })
    await over()
  }
  const jobs = (await ask('GET', 'jobs?limit=1000')).items
  // In the middle of the night: what it holds up is seen, too.
  const broken = jobs.find((it) => it.flow.name === 'clean' && it.name === 'orders')
  await ask('PATCH', `jobs/${broken.id}`, { command: 'echo cleaning orders of ${date} >&2; printf "\\033[31mERROR\\033[0m landing/orders.csv: 7 columns expected, line 1 has 6\\n" >&2; exit 3' })
  const { id } = await ask('POST', 'executions', { flows, data_date: before(1) })
  await over()
  // So that there is a night to come, with a deadline.
  await ask('POST', 'schedules', { name: 'nightly', flow: 'sources', downstream: true, trigger: '30 2 * * *', zone: 'Asia/Shanghai', finish_by: '03:00' })
  return { id, flow: broken.flow.id }
}

const browser = await chromium.launch({ executablePath: process.env.HCNDC_CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] })
async function shoot(locale, { id, flow }) {
  const context = await browser.newContext({ viewport: SIZE })
  await context.addInitScript((it) => localStorage.setItem('hcndc.prefs', JSON.stringify({ locale: it, theme: 'light', zone: 'Asia/Shanghai', menuClosed: false })), locale)
  const page = await context.newPage()
  const shot = async (name, at, here, work = async () => {}) => {
    await page.goto(address + at)
    await page.locator(here).first().waitFor()
    await work()
    await page.waitForFunction(() => !document.querySelector('.skeleton'))
    // A picture that moves in has come to rest.
    await page.waitForTimeout(600)
    await page.screenshot({ path: path.join(pictures, `${name}.${locale}.png`) })
  }
  // Taller than the others: what it shows of days and of the coming night stands below.
  await page.setViewportSize({ ...SIZE, height: 1400 })
  await shot('home', '/home/', '.failed', () => page.locator('canvas').first().waitFor())
  await page.setViewportSize(SIZE)
  const toTabs = async () => {
    // What stands above comes later, and would move them.
    await page.locator('.failed pre').first().waitFor()
    await page.locator('[role=tablist]').evaluate((it) => it.scrollIntoView())
  }
  await shot('topology', `/execute/${id}/?tab=topology`, '[role=tabpanel] canvas', async () => {
    await page.getByLabel(locale === 'en' ? 'Find a node' : '查找节点').fill('clean')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: locale === 'en' ? 'Show its jobs' : '展开任务' }).click()
    await page.getByLabel(locale === 'en' ? 'Find a node' : '查找节点').fill('')
    await page.locator('canvas').first().focus()
    await page.keyboard.press('Escape')
    await page.keyboard.press('0')
    await toTabs()
  })
  await shot('gantt', `/execute/${id}/?tab=gantt`, '.piece', toTabs)
  await shot('editor', `/interface/${flow}/graph/`, 'canvas', async () => {
    const side = page.getByRole('complementary')
    await side.getByRole('button', { name: 'orders', exact: true }).click()
    await page.getByRole('button', { name: locale === 'en' ? 'Job after it' : '后续任务' }).click()
    await side.getByLabel(locale === 'en' ? 'Name' : '名称').fill('check_rows')
    await side.getByLabel(locale === 'en' ? 'Command' : '命令').fill('sh check.sh ${date}')
    await side.getByLabel(locale === 'en' ? 'Name' : '名称').focus()
    await page.getByRole('button', { name: locale === 'en' ? 'Arrange' : '自动排列' }).click()
    await page.getByRole('button', { name: locale === 'en' ? 'Fit' : '适应窗口' }).click()
  })
  await context.close()
}

try {
  const night = await nights()
  for (const locale of ['en', 'zh-CN']) await shoot(locale, night)
} finally {
  await browser.close()
  server.kill('SIGTERM')
  await ended
  rmSync(folder, { recursive: true, force: true })
}
