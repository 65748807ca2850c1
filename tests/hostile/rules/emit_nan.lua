-- invalid: emits what is not a number
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function(snapshot, emit)
	emit("xdp_netflow_hostile", 0 / 0, { kind = "x" })
end)
