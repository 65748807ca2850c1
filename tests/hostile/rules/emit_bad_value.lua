-- invalid: emits a label with two lines and no UTF-8
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function(snapshot, emit)
	emit("xdp_netflow_hostile", 1, { kind = "a\n\255" })
end)
