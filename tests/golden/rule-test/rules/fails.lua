-- SPDX-License-Identifier: GPL-2.0-or-later

local function broken(flow)
  return flow.sport + nil
end

return {
  filter = function(flow)
    if flow.dport == 1 then
      broken(flow)
    elseif flow.dport == 2 then
      while true do
      end
    elseif flow.dport == 3 then
      return "yes"
    end
    return true
  end,
}
