// The picture of the graph page: draws what the page is given, and tells it what is chosen and moved.
(function () {
  const LEFT = 96
  const RIGHT = 40
  const TOP = 44
  const BOTTOM = 64
  const LARGEST = 1.5
  const LABEL = 11
  const SMALLEST = 0.42
  const BETWEEN_ROWS = [76, 420]
  let given = null
  let drawn = null
  let selected = null

  const tell = event => window.dash_clientside.set_props('graph-event', { data: { ...event, at: Date.now() } })

  function picture () {
    const element = document.getElementById('graph-picture')
    return element && element._cyreg && element._cyreg.cy
  }

  function whenThere (act, tries = 200) {
    const cy = picture()
    if (cy) act(cy)
    else if (tries) setTimeout(() => whenThere(act, tries - 1), 20)
  }

  // The picture gets the height of the pane: only the order of the rows means something.
  function stretched (cy, data) {
    const [first, last] = [data.rows[0], data.rows[data.rows.length - 1]]
    const high = last ? last.y - first.y : 0
    if (!high) return data
    const xs = data.nodes.map(node => node.x)
    const wide = Math.max(...xs) - Math.min(...xs)
    const zoom = Math.min((cy.width() - LEFT - RIGHT) / Math.max(wide, 1), LARGEST)
    const between = (cy.height() - TOP - BOTTOM) / zoom / (data.rows.length - 1)
    const large = Math.max(1, BETWEEN_ROWS[0] * zoom < 12 ? 1 : Math.sqrt(1 / zoom))
    const gap = Math.min(Math.max(between, BETWEEN_ROWS[0]), BETWEEN_ROWS[1] * Math.max(large, wide / 1500))
    const by = gap * (data.rows.length - 1) / high
    const moved = item => ({ ...item, y: item.y * by })
    return { ...data, rows: data.rows.map(moved), nodes: data.nodes.map(moved) }
  }

  function elements (data) {
    const nodes = data.nodes.map(({ x, y, kind, ...own }) => ({
      group: 'nodes', data: own, position: { x, y }, classes: kind
    }))
    return nodes.concat(data.edges.map(edge => ({ group: 'edges', data: edge })))
  }

  // Of the nodes alone: Cytoscape's own bounds measure every label first.
  function bounds () {
    const [xs, ys] = [drawn.nodes.map(node => node.x), drawn.nodes.map(node => node.y)]
    const margin = drawn.nodes.length ? drawn.nodes[0].size / 2 : 0
    const [x1, x2] = [Math.min(...xs) - margin, Math.max(...xs) + margin]
    const [y1, y2] = [Math.min(...ys) - margin, Math.max(...ys) + margin]
    return { x1, x2, y1, y2, w: x2 - x1, h: y2 - y1 }
  }

  function fit (cy) {
    if (!drawn.nodes.length) return
    const box = bounds()
    const width = cy.width() - LEFT - RIGHT
    const height = cy.height() - TOP - BOTTOM
    const zoom = Math.min(width / Math.max(box.w, 1), height / Math.max(box.h, 1), LARGEST)
    cy.viewport({
      zoom,
      pan: {
        x: LEFT + (width - box.w * zoom) / 2 - box.x1 * zoom,
        y: TOP + (height - box.h * zoom) / 2 - box.y1 * zoom
      }
    })
  }

  function isWhole (cy) {
    const seen = cy.extent()
    const box = bounds()
    return box.x1 >= seen.x1 && box.x2 <= seen.x2 && box.y1 >= seen.y1 && box.y2 <= seen.y2
  }

  // The names of the rows stay at the left edge, beside their row.
  function placeRows (cy) {
    const rows = document.getElementById('graph-rows')
    if (!rows || !drawn) return
    const { y } = cy.pan()
    const zoom = cy.zoom()
    drawn.rows.forEach((row, place) => {
      rows.children[place].style.top = `${row.y * zoom + y}px`
    })
  }

  function nameRows () {
    document.getElementById('graph-rows').replaceChildren(...drawn.rows.map(row => {
      const name = document.createElement('span')
      name.textContent = row.name
      const band = document.createElement('div')
      band.append(name)
      return band
    }))
  }

  // A label that is pointed at or chosen is written in full, and legible however small the picture is.
  function spell (node, isFull) {
    const large = Math.max(12, 12 / node.cy().zoom())
    node.toggleClass('full', isFull)
    if (isFull) node.style({ 'font-size': large, 'text-max-width': `${22 * large}px`, 'min-zoomed-font-size': 0 })
    else node.removeStyle('text-max-width min-zoomed-font-size').style('font-size', size || LABEL)
  }

  // Labels stay legible while a picture gets smaller, and then go: the space for them does not grow.
  let size = 0
  function letter (cy) {
    const zoom = cy.zoom()
    const wanted = zoom >= 1 || zoom < SMALLEST ? LABEL : LABEL / zoom
    if (Math.abs(wanted - size) < 0.08 * size) return
    size = wanted
    cy.nodes().not('.full').style('font-size', size)
  }

  function choose (cy, id) {
    cy.nodes('.chosen').forEach(node => { node.removeClass('chosen'); spell(node, false) })
    cy.edges('.near').removeClass('near')
    const node = id ? cy.getElementById(id) : cy.collection()
    if (!node.length) return
    node.addClass('chosen')
    node.connectedEdges().addClass('near')
    spell(node, true)
  }

  function listen (cy) {
    if (cy.scratch('saedb')) return
    cy.scratch('saedb', true)
    cy.on('viewport resize', () => {
      placeRows(cy)
      letter(cy)
      cy.nodes('.full').forEach(node => spell(node, true))
    })
    cy.on('tap', event => {
      const feature = event.target === cy ? '' : event.target.isNode() ? event.target.id() : null
      if (feature !== null && feature !== (selected || '')) tell({ kind: 'select', feature })
    })
    cy.on('tap', 'edge', event => mark(cy, event.target.id()))
    cy.on('mouseover', 'node', event => {
      const near = event.target.closedNeighborhood()
      cy.elements().difference(near).addClass('faded')
      spell(event.target, true)
    })
    cy.on('mouseout', 'node', event => {
      cy.elements('.faded').removeClass('faded')
      spell(event.target, event.target.hasClass('chosen'))
    })
    cy.on('free', 'node', event => {
      const node = event.target
      const was = drawn.nodes.find(other => other.id === node.id())
      if (!was || Math.abs(was.x - node.position('x')) < 1) return node.position({ x: was.x, y: was.y })
      node.position('y', was.y)
      tell({ kind: 'pin', feature: node.id(), x: node.position('x') })
    })
  }

  function mark (cy, id) {
    cy.edges('.chosen').removeClass('chosen')
    if (id) cy.getElementById(id).addClass('chosen')
  }

  const isPainted = () => 'drawn' in (document.getElementById('graph-pane')?.dataset || {})

  function paint (cy, data, held) {
    const stays = data.stays && isPainted() && !isWhole(cy)
    const anchor = stays && selected === held && cy.getElementById(selected || '')
    const before = anchor && anchor.length ? { ...anchor.renderedPosition() } : null
    drawn = stretched(cy, data)
    cy.batch(() => {
      cy.elements().remove()
      cy.add(elements(drawn))
    })
    size = 0
    listen(cy)
    nameRows()
    choose(cy, selected)
    const after = before && cy.getElementById(selected)
    if (!stays) fit(cy)
    else if (after && after.length) {
      const now = after.renderedPosition()
      cy.panBy({ x: before.x - now.x, y: before.y - now.y })
    }
    placeRows(cy)
    document.getElementById('graph-pane').dataset.drawn = `${data.nodes.length} ${data.edges.length}`
  }

  // From a feature to the one beside it in its row, or along its strongest edge to the row above or below.
  function next (cy, key) {
    const node = cy.getElementById(selected || '')
    if (!node.length) return cy.nodes('.start').first().union(cy.nodes().first()).first()
    const { x, y } = node.position()
    if (key === 'ArrowLeft' || key === 'ArrowRight') {
      const side = key === 'ArrowLeft' ? -1 : 1
      return cy.nodes().filter(other => other.position('y') === y && side * (other.position('x') - x) > 0)
        .min(other => side * (other.position('x') - x)).ele
    }
    const side = key === 'ArrowUp' ? -1 : 1
    const edges = node.connectedEdges().filter(edge => side * (edge.connectedNodes().not(node).position('y') - y) > 0)
    const strongest = edges.max(edge => edge.data('width')).ele
    return strongest && strongest.connectedNodes().not(node)
  }

  function show (cy, node) {
    const { x, y } = node.renderedPosition()
    const isSeen = x > 20 && y > 20 && x < cy.width() - 20 && y < cy.height() - 20
    if (!isSeen) cy.center(node)
  }

  document.addEventListener('keydown', event => {
    if (event.target.id === 'graph-pane') {
      const cy = picture()
      if (!cy || !drawn) return
      if (event.key === 'Escape' && selected) tell({ kind: 'select', feature: '' })
      if (!event.key.startsWith('Arrow')) return
      event.preventDefault()
      const node = next(cy, event.key)
      if (!node || !node.length) return
      selected = node.id()
      choose(cy, selected)
      show(cy, node)
      tell({ kind: 'select', feature: selected })
    } else if (event.key === 'Enter') {
      chooseCell(event.target)
      const typed = event.target.closest && event.target.closest('#graph-floor input')
      if (typed) { // which takes a number when it is left
        typed.blur()
        typed.focus()
      }
    }
  })

  document.addEventListener('click', event => chooseCell(event.target))

  // In the table the name of a feature chooses it.
  function chooseCell (target) {
    const cell = target.closest && target.closest('#graph-edges .ag-cell.end')
    const feature = cell && cell.textContent
    if (feature && feature !== selected) tell({ kind: 'select', feature })
  }

  function save (blob, file) {
    const link = document.createElement('a')
    link.href = URL.createObjectURL(blob)
    link.download = file
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 10000)
  }

  const WIDEST = 8000

  // Dash's Cytoscape always gives a wheel sensitivity, 1, and Cytoscape warns of any.
  const warn = console.warn.bind(console)
  console.warn = (...said) => String(said[0]).includes('custom wheel sensitivity') || warn(...said)

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    saedbGraph: {
      draw: function (data, id) {
        const isNew = data !== given || !isPainted()
        const before = selected
        given = data
        selected = id || null
        if (data) whenThere(cy => isNew ? paint(cy, data, before) : choose(cy, selected))
        return window.dash_clientside.no_update
      },
      mark: function (rows) {
        whenThere(cy => mark(cy, rows && rows.length ? rows[0].id : null))
      },
      look: function () {
        const pressed = window.dash_clientside.callback_context.triggered_id
        const cy = picture()
        if (!pressed || !cy) return
        const middle = { x: cy.width() / 2, y: cy.height() / 2 }
        if (pressed === 'graph-fit') fit(cy)
        if (pressed === 'graph-larger') cy.zoom({ level: cy.zoom() * 1.4, renderedPosition: middle })
        if (pressed === 'graph-smaller') cy.zoom({ level: cy.zoom() / 1.4, renderedPosition: middle })
        if (pressed === 'graph-centre' && selected) {
          const node = cy.getElementById(selected)
          if (cy.zoom() < 0.8) cy.zoom(0.8)
          cy.center(node)
        }
      },
      png: function (data) {
        if (!data) return
        const image = new Image()
        image.onload = () => {
          const scale = Math.min(2, WIDEST / Math.max(image.width, image.height))
          const canvas = document.createElement('canvas')
          canvas.width = image.width * scale
          canvas.height = image.height * scale
          canvas.getContext('2d').drawImage(image, 0, 0, canvas.width, canvas.height)
          canvas.toBlob(blob => save(blob, data.file), 'image/png')
        }
        image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(data.svg)}`
      }
    }
  })
})()
