/** A page of the app in a language and theme; a console error fails the test. Each worker has a server for itself. */
import { AxeBuilder } from '@axe-core/playwright'
import { test as base, expect, type Page } from '@playwright/test'
import { serve } from './server'

export type Look = { locale: 'en' | 'zh-CN'; theme: 'light' | 'dark' }
// Each language and each theme once: colours and words do not depend on each other.
export const LOOKS: Look[] = [
  { locale: 'en', theme: 'light' },
  { locale: 'zh-CN', theme: 'dark' },
]

export const server = (): string => process.env['HCNDC_TEST_SERVER'] ?? ''
export const results = (): string => process.env['HCNDC_UI_RESULTS'] ?? '../../target/ui-results'

export async function look(page: Page, { locale, theme }: Look): Promise<void> {
  const prefs = JSON.stringify({ locale, theme, zone: 'Asia/Shanghai', menuClosed: false })
  await page.addInitScript((it) => localStorage.setItem('hcndc.prefs', it), prefs)
}

export const test = base.extend<{ quiet: string[] }, { served: string }>({
  served: [
    // Playwright reads from the pattern which fixtures this one needs: none.
    async ({}, use) => {
      const { address, stop } = await serve()
      process.env['HCNDC_TEST_SERVER'] = address
      await use(address)
      await stop()
    },
    { scope: 'worker', auto: true, timeout: 120_000 },
  ],
  quiet: [
    async ({ page }, use) => {
      const told: string[] = []
      page.on('console', (message) => {
        // A refusal that the page tells is no fault of the page.
        if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) told.push(message.text())
      })
      page.on('pageerror', (error) => told.push(String(error)))
      await use(told)
      expect(told, 'console errors').toEqual([])
    },
    { auto: true },
  ],
})

/** No finding of axe that would keep somebody out. */
export async function accessible(page: Page): Promise<void> {
  // What is just fading away has no contrast, and keeps nobody out.
  await page.evaluate(() => {
    const still = new CSSStyleSheet()
    still.replaceSync('* { transition: none !important }')
    document.adoptedStyleSheets.push(still)
  })
  // The app has no frames, whose findings a page of its own would have to put together; and of what is well nothing need be told.
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ['violations'] }).analyze()
  await page.evaluate(() => void document.adoptedStyleSheets.pop())
  const serious = violations.filter((it) => it.impact === 'serious' || it.impact === 'critical')
  const told = serious.map((it) => `${it.id}: ${it.nodes.slice(0, 3).map((node) => `${node.target.join(' ')} ${node.any[0]?.message ?? ''}`).join(' | ')}`)
  expect.soft(told, page.url()).toEqual([])
}

export { expect }
