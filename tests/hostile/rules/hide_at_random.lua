-- none: hides flows at random
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.filter(function(flow)
	return flow ~= nil and math.random() < 0.5
end)
