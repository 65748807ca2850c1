-- none: has another label for each flow and each start
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.label(function(flow)
	return { hostile = tostring(flow.src) .. flow.sport .. math.random(0) }
end)
