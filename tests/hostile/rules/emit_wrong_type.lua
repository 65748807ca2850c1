-- invalid: emits a table
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function(snapshot, emit)
	emit("xdp_netflow_hostile", {}, { kind = "x" })
end)
