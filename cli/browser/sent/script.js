'use strict'

const svg = document.querySelector('#picture svg')
const box = svg.viewBox.baseVal
const whole = [box.x, box.y, box.width, box.height]
const nodes = new Map([...svg.querySelectorAll('.n')].map(node => [node.dataset.n, node]))
const edges = [...svg.querySelectorAll('.e')]
const search = document.querySelector('#search')

function zoom (factor, x, y) {
  const point = new DOMPoint(x, y).matrixTransform(svg.getScreenCTM().inverse())
  const width = Math.min(Math.max(box.width * factor, 60), whole[2] * 4)
  const by = width / box.width
  box.x = point.x - (point.x - box.x) * by
  box.y = point.y - (point.y - box.y) * by
  box.height *= by
  box.width = width
}

function show (ids) {
  const on = new Set(ids)
  for (const edge of edges) {
    const isOn = ids.has(edge.dataset.s) || ids.has(edge.dataset.t)
    edge.classList.toggle('on', isOn)
    if (isOn) on.add(edge.dataset.s).add(edge.dataset.t)
  }
  for (const [id, node] of nodes) node.classList.toggle('on', on.has(id))
  svg.classList.toggle('dim', ids.size > 0)
}

function find () {
  const text = search.value.trim().toLowerCase()
  const found = [...nodes].filter(([, node]) => node.firstChild.textContent.toLowerCase().includes(text))
  show(new Set(text ? ['', ...found.map(([id]) => id)] : []))
}

svg.addEventListener('wheel', event => {
  event.preventDefault()
  zoom(Math.exp(event.deltaY / 500), event.clientX, event.clientY)
}, { passive: false })

svg.addEventListener('pointermove', event => {
  if (event.buttons !== 1) return
  const scale = svg.getScreenCTM().a
  box.x -= event.movementX / scale
  box.y -= event.movementY / scale
})

svg.addEventListener('pointerover', event => {
  const node = event.target.closest('.n')
  if (node) show(new Set([node.dataset.n]))
})

svg.addEventListener('pointerout', event => {
  if (event.target.closest('.n')) find()
})

search.addEventListener('input', find)

document.querySelector('#fit').addEventListener('click', () => {
  [box.x, box.y, box.width, box.height] = whole
})

for (const button of document.querySelectorAll('[data-zoom]')) {
  button.addEventListener('click', () => {
    const { left, top, width, height } = svg.getBoundingClientRect()
    zoom(Number(button.dataset.zoom), left + width / 2, top + height / 2)
  })
}
