-- SPDX-License-Identifier: GPL-2.0-or-later

-- Says what there is: a line "WORD CLASS name=type ..." for each class. "has" are names that were
-- found by walking; "asked" are those of the options, one list a class.

local asked

local function kind(value)
  return math.type(value) or type(value)
end

local function say(word, class, names)
  table.sort(names)
  xa.log(word .. " " .. class .. " " .. table.concat(names, " "))
end

local function walk(class, object)
  local names = {}
  for name, value in pairs(object) do
    names[#names + 1] = name .. "=" .. kind(value)
  end
  say("has", class, names)
end

local function ask(class, object)
  local names = {}
  for _, name in ipairs(asked[class]) do
    local found, value = pcall(function()
      return object[name]
    end)
    names[#names + 1] = name .. "=" .. (found and kind(value) or "nothing")
  end
  say("asked", class, names)
end

return {
  labels = { "color" },
  metrics = { api_test = { type = "gauge", help = "None is made" } },
  init = function(options)
    asked = options
  end,
  label = function()
    return { color = "red" }
  end,
  derive = function(snapshot, emit)
    walk("_G", _G)
    walk("xa", xa)
    for _, copy in ipairs(snapshot:top(1)) do
      copy.color = nil
      walk("xa.FlowCopy", copy)
      ask("xa.FlowCopy", copy)
    end
    for _, sum in snapshot:sum_by("proto") do
      walk("xa.Sum", sum)
      ask("xa.Sum", sum)
    end
    for flow in snapshot:flows() do
      ask("xa.Flow", flow)
      ask("xa.Address", flow.src)
    end
    ask("xa.Cidr", xa.cidr({ "10.0.0.0/8" }))
    ask("xa.Snapshot", snapshot)
    ask("xa", xa)
    xa.log("has emit " .. kind(emit))
  end,
}
