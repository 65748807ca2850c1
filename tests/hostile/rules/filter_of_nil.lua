-- invalid: filters by nothing
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.filter(function(flow)
	local _ = flow
end)
