/** Graphs to look at: an execution's flows unfolded into jobs, what failed found, a job run opened, and what follows folded away. */
import { accessible, expect, look, server, test } from './fixture'

test('what failed is found in the picture of an execution, down to the job run', async ({ page }) => {
  const answer = await fetch(`${server()}/api/v1/executions?state=failed&flow=load&limit=1`)
  const { items } = (await answer.json()) as { items: { id: number }[] }
  await look(page, { locale: 'en', theme: 'light' })
  await page.goto(`${server()}/execute/${items[0]?.id}/?tab=topology`)
  await expect(page.getByText('2 nodes, 1 edges')).toBeVisible()
  await page.getByRole('button', { name: 'All jobs' }).click()
  await expect(page.getByText('6 nodes, 8 edges')).toBeVisible()
  await page.getByRole('group', { name: 'Legend' }).getByRole('button', { name: /Upstream failed/ }).click()
  await expect(page.locator('.summary')).toContainText('report')
  // Up along the edges by keyboard.
  await page.locator('canvas').first().focus()
  await page.keyboard.press('Shift+ArrowUp')
  await expect(page.locator('.summary')).toContainText('facts')
  await accessible(page)
  await page.locator('canvas').first().focus()
  await page.keyboard.press('Enter')
  await expect(page.locator('.panel h1, .panel h2').first()).toContainText('facts')
})

test('what follows a flow is folded away, and found again', async ({ page }) => {
  await look(page, { locale: 'zh-CN', theme: 'dark' })
  await page.goto(`${server()}/interface/graph/`)
  const search = page.getByLabel('查找节点')
  await search.fill('extract')
  await search.press('Enter')
  await page.getByRole('button', { name: '折叠下游' }).click()
  await expect(page.getByRole('button', { name: '展开', exact: true })).toHaveAttribute('aria-pressed', 'true')
  await search.fill('load')
  await search.press('Enter')
  // What hid it is unfolded.
  await expect(page.getByRole('button', { name: '全部展开' })).toHaveCount(0)
  await expect(page.locator('.summary')).toContainText('load')
})
