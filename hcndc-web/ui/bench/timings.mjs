/**
 * How quick the pages are, in a browser against a real server: large graphs, the first load, a list, a log of 100 MB.
 * `.ci/ui timings FOLDER` runs it; the figures of docs/BENCHMARKS.md come from it. It is no test: it fails at nothing.
 */
import { chromium } from '@playwright/test'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'

const program = process.env.HCNDC_BIN ?? path.resolve('../../target/release/hcndc')
const TRIES = Number(process.env.HCNDC_TRIES ?? 5)
const GRAPHS = [[3_000, 6_000], [10_000, 20_000]]
const LOG_LINES = 1_000_000
const SIZE = { width: 1440, height: 900 }

const folder = mkdtempSync(path.join(tmpdir(), 'hcndc-timings-'))
const server = spawn(program, ['serve', '--data-dir', folder, '--listen', '127.0.0.1:0'], {
  stdio: ['ignore', 'pipe', 'inherit'],
  env: { ...process.env, HCNDC_LANG: 'en', HCNDC_ACCESS: 'open' },
})
const ended = new Promise((resolve) => server.once('exit', resolve))
const address = await new Promise((resolve, reject) => {
  server.once('exit', (code) => reject(new Error(`${program} ended with ${code} before it served`)))
  createInterface({ input: server.stdout }).on('line', (line) => {
    const found = /http:\/\/[\d.:]+/.exec(line)
    if (found) resolve(found[0])
  })
})

/** An executor of its own, for the one of the server keeps 64 MiB of an output. */
async function executor() {
  const port = await new Promise((resolve) => {
    const free = createServer().listen(0, '127.0.0.1', () => {
      const { port } = free.address()
      free.close(() => resolve(port))
    })
  })
  const listen = `127.0.0.1:${port}`
  const child = spawn(path.join(path.dirname(program), 'hcndc-exec'), ['--listen', listen, '--data-dir', path.join(folder, 'exec'), '--log-cap', '256M'], { stdio: 'ignore' })
  await ask('POST', 'executors', { name: 'loud', address: listen, slots: 1 })
  return child
}

async function ask(method, at, body) {
  const response = await fetch(`${address}/api/v1/${at}`, { method, headers: { 'content-type': 'application/json' }, ...(body ? { body: JSON.stringify(body) } : {}) })
  if (!response.ok) throw new Error(`${method} ${at}: ${response.status} ${await response.text()}`)
  return response.json()
}

/** Each job waits for some of the 300 before it, drawn by lot, always the same ones. */
function mesh(nodes, edges) {
  let lot = 2333
  const draw = (below) => {
    // Xorshift of 32 bits: whole numbers that a page's arithmetic keeps whole.
    lot ^= lot << 13
    lot ^= lot >>> 17
    lot ^= lot << 5
    return (lot >>> 0) % below
  }
  const jobs = Array.from({ length: nodes }, (_, i) => ({ name: `job_${String(i).padStart(5, '0')}`, command: 'true', depends_on: new Set() }))
  for (let left = edges; left > 0; ) {
    const i = 1 + draw(nodes - 1)
    const before = `job_${String(i - 1 - draw(Math.min(300, i))).padStart(5, '0')}`
    if (jobs[i].depends_on.has(before)) continue
    jobs[i].depends_on.add(before)
    left -= 1
  }
  return { hcndc: 1, flows: [{ name: `graph-${nodes}`, jobs: jobs.map((it) => ({ ...it, depends_on: [...it.depends_on] })) }] }
}

const browser = await chromium.launch({ executablePath: process.env.HCNDC_CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] })
async function fresh() {
  const context = await browser.newContext({ viewport: SIZE })
  await context.addInitScript(() => localStorage.setItem('hcndc.prefs', JSON.stringify({ locale: 'en', theme: 'light', zone: 'UTC', menuClosed: false })))
  return { context, page: await context.newPage() }
}
const least = (values) => Math.min(...values)
const ms = (value) => `${Math.round(value)} ms`
const table = (title, rows) => {
  process.stdout.write(`\n${title}\n`)
  for (const [what, value] of rows) process.stdout.write(`  ${what.padEnd(64)} ${value}\n`)
}

/** Counts frames while something is done to the page. */
async function frames(page, work) {
  await page.evaluate(() => {
    globalThis.hcndcFrames = []
    const count = (at) => {
      globalThis.hcndcFrames.push(at)
      globalThis.hcndcFrame = requestAnimationFrame(count)
    }
    requestAnimationFrame(count)
  })
  await work()
  const times = await page.evaluate(() => {
    cancelAnimationFrame(globalThis.hcndcFrame)
    return globalThis.hcndcFrames
  })
  const gaps = times.slice(1).map((it, i) => it - times[i]).sort((a, b) => a - b)
  return { rate: (times.length - 1) / ((times.at(-1) - times[0]) / 1000), slow: gaps[Math.floor(gaps.length * 0.95)] ?? 0, worst: gaps.at(-1) ?? 0 }
}
const told = ({ rate, slow }) => `${rate.toFixed(0)} frames/s, 95th percentile ${ms(slow)}`

async function graph(nodes, edges) {
  await ask('POST', 'mesh', mesh(nodes, edges))
  const flow = (await ask('GET', `flows?text=graph-${nodes}`)).items[0].id
  const tries = []
  for (let i = 0; i < TRIES; i += 1) {
    const { context, page } = await fresh()
    await page.goto(`${address}/interface/${flow}/`)
    await page.locator('tbody a').first().waitFor()
    const button = page.locator('.el-radio-button', { hasText: 'Jobs' })
    await page.evaluate(() => document.addEventListener('click', () => performance.mark('hcndc-click'), { capture: true, once: true }))
    await button.click()
    await page.waitForFunction(() => performance.getEntriesByName('hcndc-graph-shown').length > 0)
    const one = await page.evaluate(() => {
      const [click, shown] = ['hcndc-click', 'hcndc-graph-shown'].map((it) => performance.getEntriesByName(it).at(-1).startTime)
      const answer = performance.getEntriesByType('resource').findLast((it) => it.name.includes('/graphs/flows/'))
      return { whole: shown - click, server: answer.responseEnd - answer.startTime, draw: shown - answer.responseEnd, bytes: answer.encodedBodySize }
    })
    const canvas = await page.locator('canvas').first().boundingBox()
    const [x, y] = [canvas.x + canvas.width / 2, canvas.y + canvas.height / 2]
    const pan = () => frames(page, async () => {
      await page.mouse.move(x, y)
      await page.mouse.down()
      const until = performance.now() + 2_000
      for (let step = 0; performance.now() < until; step += 1) await page.mouse.move(x + 200 * Math.sin(step / 12), y + 120 * Math.cos(step / 9))
      await page.mouse.up()
    })
    const whole = await pan()
    const zoomed = await frames(page, async () => {
      const until = performance.now() + 3_000
      for (let step = 0; performance.now() < until; step += 1) await page.mouse.wheel(0, step % 60 < 30 ? -120 : 120)
    })
    for (let step = 0; step < 16; step += 1) await page.mouse.wheel(0, -120)
    const near = await pan()
    // Something in the middle of it is picked: what is up and down from it stands out.
    await page.getByLabel('Find a node').fill(`job_0${Math.floor(nodes / 2)}`)
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Fit' }).click()
    const marked = await pan()
    tries.push({ ...one, whole_: whole, near, zoomed, marked })
    await context.close()
  }
  const best = (of) => tries.reduce((a, b) => (of(b) > of(a) ? b : a))
  table(`graph of ${nodes} jobs and ${edges} dependencies, best of ${TRIES}`, [
    ['from click to shown: server, layout, way, drawing', ms(least(tries.map((it) => it.whole)))],
    ['  of it the request', `${ms(least(tries.map((it) => it.server)))}, ${Math.round(tries[0].bytes / 1024)} KiB`],
    ['  of it from the data to shown', ms(least(tries.map((it) => it.draw)))],
    ['panning, the whole in sight', told(best((it) => it.whole_.rate).whole_)],
    ['panning, the whole in sight, a node picked', told(best((it) => it.marked.rate).marked)],
    ['zooming in and out', told(best((it) => it.zoomed.rate).zoomed)],
    ['panning, a part in sight', told(best((it) => it.near.rate).near)],
  ])
}

async function firstLoad() {
  const tries = []
  for (let i = 0; i < TRIES; i += 1) {
    const { context, page } = await fresh()
    await page.addInitScript(() => {
      new MutationObserver(() => {
        if (!globalThis.hcndcUsable && document.querySelector('tbody a')) globalThis.hcndcUsable = performance.now()
      }).observe(document, { childList: true, subtree: true })
    })
    await page.goto(`${address}/job/`)
    await page.waitForFunction(() => globalThis.hcndcUsable)
    const usable = await page.evaluate(() => globalThis.hcndcUsable)
    await page.goto(`${address}/home/`, { waitUntil: 'networkidle' }).catch(() => {})
    await context.close()
    const shell = await fresh()
    await shell.page.goto(`${address}/home/`)
    await shell.page.locator('h1').waitFor()
    await shell.page.waitForTimeout(1_000)
    const bytes = await shell.page.evaluate(() =>
      [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].filter((it) => !it.name.includes('/api/')).reduce((sum, it) => sum + it.transferSize, 0),
    )
    await shell.context.close()
    tries.push({ usable, bytes })
  }
  table(`first load, nothing cached, best of ${TRIES}`, [
    ['the overview with all that it loads, compressed', `${Math.round(least(tries.map((it) => it.bytes)) / 1024)} KiB`],
    ['from address to a list of jobs with its first rows', ms(least(tries.map((it) => it.usable)))],
  ])
}

async function log() {
  const host = await executor()
  await ask('POST', 'flows', { name: 'loud' })
  const line = 'x'.repeat(90)
  await ask('POST', 'jobs', { flow: 'loud', name: 'shout', executor: 'loud', command: `yes "$(printf '%s' ${line}) 2026-11" | head -n ${LOG_LINES}` })
  const { id } = await ask('POST', 'executions', { flow: 'loud' })
  for (;;) {
    const { state } = await ask('GET', `executions/${id}`)
    if (!['running', 'stopping'].includes(state)) break
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  const run = (await ask('GET', `job-runs?execution=${id}`)).items[0].id
  const { log_bytes: bytes } = (await ask('GET', `job-runs/${run}/attempts`)).items[0]
  const { context, page } = await fresh()
  const begun = performance.now()
  await page.goto(`${address}/execute/${id}/?job_run=${run}`)
  await page.locator('[role=log] .line').first().waitFor()
  const opened = performance.now() - begun
  const all = await frames(page, () => page.getByText('Complete', { exact: true }).waitFor({ timeout: 120_000 }))
  const read = performance.now() - begun
  const scrolled = await frames(page, async () => {
    const box = await page.locator('[role=log]').boundingBox()
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2)
    for (let i = 0; i < 120; i += 1) await page.mouse.wheel(0, i % 40 < 20 ? 1_500 : -1_500)
  })
  table(`a log of ${bytes} bytes`, [
    ['from address to its first lines', ms(opened)],
    ['all of it read', ms(read)],
    ['longest time without a frame meanwhile', ms(all.worst)],
    ['scrolling through it', told(scrolled)],
  ])
  await context.close()
  host.kill('SIGTERM')
  await new Promise((resolve) => host.once('exit', resolve))
}

try {
  process.stdout.write(`${program}, ${await browser.version()}, ${SIZE.width}x${SIZE.height}\n`)
  for (const [nodes, edges] of GRAPHS) await graph(nodes, edges)
  await firstLoad()
  await log()
} finally {
  await browser.close()
  server.kill('SIGTERM')
  await ended
  rmSync(folder, { recursive: true, force: true })
}
