/** The graph of a flow's jobs, edited: drawn, refused, undone, saved, and saved by two at once. */
import type { Page } from '@playwright/test'
import { accessible, expect, look, LOOKS, server, test } from './fixture'

async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${server()}/api/v1/${path}`, { method, headers: { 'content-type': 'application/json' }, ...(body ? { body: JSON.stringify(body) } : {}) })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}
interface Job {
  id: number
  name: string
  command: string
  depends_on: unknown[]
}
const jobsOf = async (flow: string): Promise<Map<string, Job>> => new Map((await ask<{ items: Job[] }>('GET', `jobs?flow=${flow}`)).items.map((it) => [it.name, it]))

/** A flow of three jobs, one after the other, opened in the editor. */
async function opened(page: Page, name: string): Promise<number> {
  const { id } = await ask<{ id: number }>('POST', 'flows', { name })
  await ask('POST', 'jobs', { flow: name, name: 'fetch', command: 'echo fetched' })
  await ask('POST', 'jobs', { flow: name, name: 'load', command: 'echo loaded', depends_on: ['fetch'] })
  await ask('POST', 'jobs', { flow: name, name: 'report', command: 'echo written' })
  await page.goto(`${server()}/interface/${id}/graph/`)
  await expect(page.locator('canvas').first()).toBeVisible()
  return id
}

/** Where a job is drawn: it is brought into the middle. */
async function middle(page: Page): Promise<{ x: number; y: number }> {
  const box = (await page.locator('canvas').first().boundingBox())!
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 }
}

for (const it of LOOKS) {
  const zh = it.locale === 'zh-CN'
  const say = (en: string, chinese: string) => (zh ? chinese : en)

  test(`a flow is drawn: jobs added, tied, refused, undone and saved, in ${it.locale}`, async ({ page }) => {
    const name = `drawn-${it.locale}-${Date.now()}`
    await look(page, it)
    await opened(page, name)

    // A circle is refused at once, and told by its names.
    await page.getByRole('complementary').getByRole('button', { name: 'fetch', exact: true }).click()
    await page.getByRole('combobox', { name: say('Depends on … (a job of this flow)', '依赖本任务流的任务…') }).click()
    await expect(page.getByRole('option', { name: /load/ })).toHaveAttribute('aria-disabled', 'true')
    await page.keyboard.press('Escape')

    // A job after `load`, by the panel; its name and command.
    await page.getByRole('complementary').getByRole('button', { name: 'load', exact: true }).click()
    await page.getByRole('button', { name: say('Job after it', '后续任务') }).click()
    const side = page.getByRole('complementary')
    await side.getByLabel(say('Name', '名称')).fill('check')
    await side.getByLabel(say('Command', '命令')).fill('sh check.sh')
    await expect(side.getByRole('group', { name: 'load' })).toBeVisible()
    await accessible(page)

    // `report` waits for it, whatever its end.
    await page.locator('canvas').first().focus()
    await page.keyboard.press('Escape')
    await side.getByRole('button', { name: 'report', exact: true }).click()
    await page.getByRole('combobox', { name: say('Depends on … (a job of this flow)', '依赖本任务流的任务…') }).click()
    await page.getByRole('option', { name: 'check' }).click()
    await side.getByRole('group', { name: 'check' }).locator('.el-select').click()
    await page.getByRole('option', { name: say('ends', '结束'), exact: true }).click()

    // One step back, and forth again.
    await page.getByRole('button', { name: say('Undo', '撤销') }).click()
    await expect(side.getByRole('group', { name: 'check' })).toContainText(say('succeeds', '成功'))
    await page.getByRole('button', { name: say('Redo', '重做') }).click()
    await expect(side.getByRole('group', { name: 'check' })).toContainText(say('ends', '结束'))

    await page.getByRole('button', { name: say('Review and save', '检查并保存') }).click()
    const dialog = page.getByRole('dialog')
    await expect(dialog).toContainText('sh check.sh')
    await expect(dialog.getByRole('status')).toContainText(say('can be saved', '可以保存'))
    await accessible(page)
    await dialog.getByRole('button', { name: say('Save', '保存') }).click()
    await expect(page.getByRole('button', { name: say('Review and save', '检查并保存') })).toBeDisabled()
    const jobs = await jobsOf(name)
    expect(jobs.get('check')).toMatchObject({ command: 'sh check.sh', depends_on: ['load'] })
    expect(jobs.get('report')?.depends_on).toEqual([{ job: 'check', on: 'done' }])
  })
}

test('an edge is drawn with the pointer from job to job, and one that closes a circle is not', async ({ page }) => {
  const name = `pointed-${Date.now()}`
  await look(page, { locale: 'en', theme: 'light' })
  await opened(page, name)
  const side = page.getByRole('complementary')
  const canvas = page.locator('canvas').first()
  await side.getByRole('button', { name: 'fetch', exact: true }).click()
  const at = await middle(page)
  // `fetch` is in the middle now, its knob below it; a double click far from all adds a job there.
  await canvas.dblclick({ position: { x: 60, y: 60 } })
  await side.getByLabel('Name').fill('first')
  await side.getByLabel('Name').press('Tab')
  await expect(page.getByText('not saved: 1')).toBeVisible()
  const box = (await canvas.boundingBox())!
  // From the middle job's knob to the new one.
  await page.mouse.move(at.x, at.y)
  const knob = await knobBelow(page, at)
  await page.mouse.move(knob.x, knob.y)
  await page.mouse.down()
  await page.mouse.move(box.x + 90, box.y + 120, { steps: 6 })
  await page.mouse.move(box.x + 60, box.y + 60, { steps: 6 })
  await page.mouse.up()
  await expect(side.getByRole('group', { name: 'fetch' })).toBeVisible()

  // Back the other way it would come round.
  const other = await knobBelow(page, { x: box.x + 60, y: box.y + 60 })
  await page.mouse.move(other.x, other.y)
  await page.mouse.down()
  await page.mouse.move(at.x - 20, at.y - 60, { steps: 6 })
  await page.mouse.move(at.x, at.y, { steps: 6 })
  await page.mouse.up()
  await expect(page.getByRole('alert')).toContainText('first → fetch → first')

  // Ctrl+Z takes the edge back, and then the name and the job.
  await canvas.focus()
  await page.keyboard.press('Control+z')
  await expect(page.getByRole('alert')).toHaveCount(0)
  await page.keyboard.press('Control+Shift+z')
  await page.keyboard.press('Control+s')
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
  await expect(page.getByRole('button', { name: 'Review and save' })).toBeDisabled()
  expect((await jobsOf(name)).get('first')?.depends_on).toEqual(['fetch'])
})

/** The knob of the job at a point: half its height below, as large as the picture is. */
async function knobBelow(page: Page, at: { x: number; y: number }): Promise<{ x: number; y: number }> {
  const scale = Number(await page.locator('canvas').first().getAttribute('data-scale'))
  return { x: at.x, y: at.y + 20 * scale }
}

test('what somebody else saved meanwhile is not overwritten, and the draft is not lost', async ({ page }) => {
  const name = `both-${Date.now()}`
  await look(page, { locale: 'en', theme: 'light' })
  await opened(page, name)
  const side = page.getByRole('complementary')
  await side.getByRole('button', { name: 'load', exact: true }).click()
  await side.getByLabel('Command').fill('echo mine')
  await side.getByLabel('Name').press('Tab')
  await expect(page.getByText('not saved: 1')).toBeVisible()

  const load = (await jobsOf(name)).get('load')!
  await ask('PATCH', `jobs/${load.id}`, { description: 'theirs', timeout: '1h' })
  await page.getByRole('button', { name: 'Review and save' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByRole('alert')).toContainText('Somebody else has changed some of this')
  await expect(dialog.getByRole('button', { name: 'Save', exact: true })).toBeDisabled()
  await dialog.getByRole('button', { name: 'Bring my draft onto it' }).click()
  await expect(dialog.getByRole('status')).toContainText('can be saved')
  await dialog.getByRole('button', { name: 'Save', exact: true }).click()
  await expect(page.getByRole('button', { name: 'Review and save' })).toBeDisabled()
  expect(await ask('GET', `jobs/${load.id}`)).toMatchObject({ command: 'echo mine', description: 'theirs', timeout: '1h' })
})

test('a circle through another flow is told by the server before anything is saved', async ({ page }) => {
  const name = `round-${Date.now()}`
  await look(page, { locale: 'en', theme: 'light' })
  const id = await opened(page, name)
  await ask('POST', 'flows', { name: `${name}-other` })
  await ask('POST', 'jobs', { flow: `${name}-other`, name: 'far', command: 'true', depends_on: [`${name}/load`] })
  const side = page.getByRole('complementary')
  await side.getByRole('button', { name: 'fetch', exact: true }).click()
  await page.getByRole('combobox', { name: 'Depends on … (a job of another flow)' }).click()
  await page.keyboard.type('far')
  await page.getByRole('option', { name: `${name}-other/far` }).click()
  await expect(side.getByRole('group', { name: `${name}-other/far` })).toBeVisible()
  await page.getByRole('button', { name: 'Review and save' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByRole('alert')).toContainText(`${name}/fetch → ${name}/load → ${name}-other/far → ${name}/fetch`)
  await dialog.getByRole('button', { name: 'Go on editing' }).click()

  // What was not saved is not left without a word.
  await page.getByRole('link', { name: 'Overview' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Stay' }).click()
  await expect(page).toHaveURL(new RegExp(`/interface/${id}/graph/$`))
})

test('the panel says what the server holds against a job while one types, and nothing of fields that nobody has come to', async ({ page }) => {
  const name = `panel-${Date.now()}`
  await look(page, { locale: 'en', theme: 'light' })
  await opened(page, name)
  const side = page.getByRole('complementary')
  await side.getByRole('button', { name: 'load', exact: true }).click()
  await side.getByLabel('Name').fill('fetch')
  await expect(side.getByRole('alert')).toContainText('taken')
  await expect(page.getByText('to put right: fetch')).toBeVisible()
  await accessible(page)
  await side.getByLabel('Name').fill('load')
  await expect(side.getByRole('alert')).toHaveCount(0)
  await expect(page.getByText('to put right')).toHaveCount(0)

  // Whoever is about to write another command has none for a while: that is said of the job, and not held against the field.
  await side.getByRole('button', { name: 'Job after it' }).click()
  await side.getByLabel('Command').fill('')
  await expect(page.getByText('to put right: job')).toBeVisible()
  await expect(side.getByRole('alert')).toHaveCount(0)
  await side.getByLabel('Command').fill('true')
  await expect(page.getByText('to put right')).toHaveCount(0)
})
